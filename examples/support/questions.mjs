/** Questions to the tour's database, each answered by what an index, key range or cursor holds. */

import { KeyRange } from 'lodestore'
import { count, day, heading, table, timed } from './print.mjs'

const STATUSES = ['standard', 'experimental', 'deprecated', 'non-standard']
const BROWSERS = ['chrome', 'edge', 'firefox', 'safari', 'ie', 'nodejs', 'deno', 'bun']

/** A point read, and one through the unique index. */
export async function oneFeature(features) {
  const [grid, byKey] = await timed(() => features.get('css.properties.grid-template-columns'))
  heading(`By key: ${grid.id}`, byKey)
  const { chrome, firefox, safari } = grid.since
  table(
    ['status', 'Chrome', 'Firefox', 'Safari', 'everywhere since', 'source'],
    [[grid.status, chrome, firefox, safari, day(grid.everywhere), grid.sourceFile]],
  )
  const page = 'Web/API/AbortController'
  const [found, byPage] = await timed(() => features.index('byPage').get(page))
  heading(`By unique index: the MDN page ${page}`, byPage)
  table(['key', 'specification'], [[found.id, found.specUrls[0]]])
}

/** Counts of ranges of a compound index: an array of fewer values stands for all that begin so. */
export async function areas(features) {
  const index = features.index('byAreaAndStatus')
  const [rows, time] = await timed(async () => {
    const cursor = features.index('byAreaAndStatus').openCursor(undefined, {
      direction: 'nextunique',
      values: false,
    })
    const names = new Set()
    for await (const { key } of cursor) names.add(key[0])
    return Promise.all(
      [...names].map(async (area) => [
        area,
        await index.count([area]),
        ...(await Promise.all(STATUSES.map((status) => index.count([area, status])))),
      ]),
    )
  })
  heading('Features by area and status, counted in a compound index', time)
  table(['area', 'features', ...STATUSES], rows)
}

/** An index with a descending part: the newest come first. */
export async function newest(features) {
  const [rows, time] = await timed(() =>
    features.index('byAreaNewest').getAll(['css'], { limit: 5 }),
  )
  heading('The newest CSS features that work in Chrome, Edge, Firefox and Safari', time)
  table(
    ['since', 'feature'],
    rows.map(({ id, everywhere }) => [day(everywhere), id]),
  )
}

/** A range of numbers in an index on a nested field, backwards. */
export async function chromeReleases(features) {
  const range = KeyRange.bound(120, 130, false, true)
  const [releases, time] = await timed(async () => {
    const byVersion = new Map()
    const rows = features.index('byChrome').range(range, { reverse: true }).entries()
    for await (const { key } of rows) byVersion.set(key, (byVersion.get(key) ?? 0) + 1)
    return [...byVersion]
  })
  heading('What each Chrome from 129 down to 120 brought, by a key range', time)
  table(['Chrome', 'features'], releases)
}

/** A multi-entry index has an entry for each element of an array. */
export async function browsers(features) {
  const [rows, time] = await timed(() =>
    Promise.all(
      BROWSERS.map(async (name) => [name, await features.index('byBrowser').count(name)]),
    ),
  )
  heading('Features that work in a browser today, by a multi-entry index', time)
  table(['browser', 'features'], rows)
}

/** A cursor that visits each index key once, and begins where it is told to. */
export async function tags(features) {
  const index = features.index('byTag')
  const prefix = 'web-features:'
  const [rows, time] = await timed(async () => {
    const found = []
    const cursor = index.openCursor(undefined, { direction: 'nextunique', values: false })
    let isAtTag = await cursor.seek(prefix)
    while (isAtTag && cursor.key.startsWith(prefix)) {
      found.push([cursor.key.slice(prefix.length), await index.count(cursor.key)])
      isAtTag = await cursor.next()
    }
    await cursor.close()
    return found
  })
  const largest = rows.toSorted((a, b) => b[1] - a[1]).slice(0, 6)
  heading(`The largest of ${count(rows.length)} groups, by a cursor with seek`, time)
  table(['group', 'features'], largest)
}

/** Keys in order: a prefix is a range. Then their documents, in one read. */
export async function relatives(features) {
  const parent = 'javascript.builtins.Array.'
  const [keys, finding] = await timed(() =>
    features.getAllKeys({ gt: parent, lt: `${parent}\uffff` }, { limit: 4, reverse: true }),
  )
  heading(`The last keys that begin with ${parent}`, finding)
  const [documents, reading] = await timed(() => features.getMany([...keys, 'no.such.feature']))
  table(
    ['feature', 'Node.js', 'status'],
    documents.map((document, i) => [
      keys[i] ?? 'no.such.feature',
      String(document?.since.nodejs ?? '–'),
      document?.status ?? 'not there',
    ]),
  )
  heading('… and what getMany took for their documents', reading)
}

/** A savepoint is undone by itself; the transaction around it goes on and commits. */
export async function whatIf(db) {
  const steps = []
  const note = (what, number) => steps.push([what, number])
  const [, time] = await timed(() =>
    db.transaction(async (tx) => {
      const features = tx.store('features')
      note('features before', await features.count())
      try {
        await tx.savepoint(async () => {
          const keys = await features.index('byAreaAndStatus').getAllKeys(['api', 'deprecated'])
          note('deprecated ones of the API deleted', await features.deleteMany(keys))
          note('features inside the savepoint', await features.count())
          throw new RangeError('only asking')
        })
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
      note('features after it was rolled back', await features.count())
      const about = tx.store('about')
      const visits = ((await about.get('visits')) ?? 0) + 1
      await about.put(visits, 'visits')
      note('visits of this tour, committed', visits)
    }),
  )
  heading('A transaction with a savepoint that is rolled back', time)
  table(['step', 'number'], steps)
}

/** Many point reads. */
export async function pointReads(features) {
  const keys = (await features.getAllKeys()).filter((_, i) => i % 2 === 0)
  const [, sync] = await timed(() => {
    for (const key of keys) features.getSync(key)
  })
  const [, awaited] = await timed(async () => {
    for (const key of keys) await features.get(key)
  })
  const [documents, scan] = await timed(() => features.getAll())
  heading('How fast this machine reads')
  const rate = (number, time) => Math.round((number / time) * 1000)
  table(
    ['read', 'documents', 'a second'],
    [
      ['getSync(key), one after another', keys.length, rate(keys.length, sync)],
      ['await get(key), one after another', keys.length, rate(keys.length, awaited)],
      ['getAll()', documents.length, rate(documents.length, scan)],
    ],
  )
}
