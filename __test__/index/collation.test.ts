// Indexes of which the strings are in the order of a collation.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { KeyRange, open } from '../../index.js'
import { documents, rejects, temporaryDatabase, temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'

const execute = promisify(execFile)

const french = { locale: 'fr', strength: 'primary' } as const
const swedish = { locale: 'sv' } as const

const indexes = {
  byName: { on: 'name', collation: french },
  byNameDown: { on: '-name', collation: swedish },
  byCityName: { on: ['city', '-name'], collation: french },
  byTag: { on: 'tags', multiEntry: true, collation: french },
  byPlain: { on: 'name' },
} as const

const PEOPLE = [
  { id: 1, name: 'Zoé', city: 'Paris', tags: ['Été', 'x'] },
  { id: 2, name: 'zoe', city: 'PARIS', tags: ['ETE', 'été'] },
  { id: 3, name: 'Åsa', city: 'Uppsala' },
  { id: 4, name: 'émile', city: 'Páris', tags: ['hiver'] },
  { id: 5, name: 'Emile' },
  { id: 6, name: 12 },
]

const STORES = { people: { keyPath: 'id', indexes } } as const

async function filled(t: any) {
  const db = (await temporaryDatabase(t, { stores: STORES })) as any
  await db.store('people').putMany(PEOPLE)
  return { db, people: db.store('people') }
}

test('reads of an index compare under its collation', async (t) => {
  const { people } = await filled(t)
  const byName = people.index('byName')
  assert.deepEqual(await byName.getAllKeys(), [6, 3, 4, 5, 1, 2])
  assert.deepEqual(await byName.getAllKeys('ZOË'), [1, 2])
  assert.equal((await byName.get('EMILE')).id, 4)
  assert.equal(await byName.count('emile'), 2)
  assert.deepEqual(await byName.getAllKeys({ gte: 'EMILE', lt: 'zoe' }), [4, 5])
  assert.deepEqual(await byName.getAllKeys(KeyRange.lowerBound('emile', true)), [1, 2])
  const backwards = await byName.getAllKeys(undefined, { reverse: true, unique: true })
  assert.deepEqual(backwards, [1, 4, 3, 6])
  assert.deepEqual(await people.index('byNameDown').getAllKeys(), [3, 1, 2, 4, 5, 6])
  const byCityName = people.index('byCityName')
  assert.deepEqual(await byCityName.getAllKeys(['paris']), [1, 2, 4])
  assert.deepEqual(await byCityName.getAllKeys(['PARIS', 'ZOE']), [1, 2])
  const byTag = people.index('byTag')
  assert.deepEqual(await byTag.getAllKeys('ete'), [1, 2])
  assert.equal(await byTag.count(), 7, 'with a null for each document without tags')
})

test('keys of an index are those of the documents', async (t) => {
  const { people } = await filled(t)
  const keysOf = async (name: string, options = {}) =>
    (await people.index(name).entries(undefined, options).toArray()).map(({ key }: any) => key)
  assert.deepEqual(await keysOf('byName'), [12, 'Åsa', 'émile', 'Emile', 'Zoé', 'zoe'])
  assert.deepEqual(await keysOf('byNameDown'), ['Åsa', 'Zoé', 'zoe', 'émile', 'Emile', 12])
  assert.deepEqual(await keysOf('byTag'), [null, null, null, 'Été', 'ETE', 'hiver', 'x'])
  assert.deepEqual((await keysOf('byCityName')).slice(2), [
    ['Paris', 'Zoé'],
    ['PARIS', 'zoe'],
    ['Páris', 'émile'],
    ['Uppsala', 'Åsa'],
  ])

  const cursor = people.index('byName').openCursor()
  assert.ok(await cursor.seek('EMILE'))
  assert.deepEqual([cursor.key, cursor.primaryKey], ['émile', 4])
  assert.ok(await cursor.seek('emile', 5))
  assert.deepEqual([cursor.key, cursor.primaryKey, cursor.value.id], ['Emile', 5, 5])
  assert.ok(await cursor.next())
  assert.equal(cursor.key, 'Zoé')
  await cursor.close()
  const down = people.index('byCityName').openCursor(undefined, { direction: 'prev' })
  assert.ok(await down.seek(['PARIS']))
  assert.deepEqual([down.key, down.primaryKey], [['Páris', 'émile'], 4])
  await down.close()
})

test('a cursor of a transaction goes on behind what it stands on', async (t) => {
  const { db } = await filled(t)
  await db.transaction(async (tx: any) => {
    const people = tx.store('people')
    const cursor = people.index('byName').openCursor()
    const seen: number[] = []
    while (await cursor.next()) {
      seen.push(cursor.primaryKey)
      await people.put({ ...cursor.value, seen: true })
    }
    assert.deepEqual(seen, [6, 3, 4, 5, 1, 2])
  })
})

test('a unique index takes what is equal in it for one key', async (t) => {
  const users = {
    keyPath: 'id',
    indexes: {
      byEmail: { on: 'email', unique: true, collation: { locale: 'en', strength: 2 } },
    },
  } as const
  const db = (await temporaryDatabase(t, { stores: { users } })) as any
  const store = db.store('users')
  await store.put({ id: 1, email: 'Ada@example.org' })
  await rejects(store.put({ id: 2, email: 'ada@EXAMPLE.org' }), 'UNIQUE_VIOLATION')
  await store.put({ id: 1, email: 'ADA@example.org' })
  await store.put({ id: 2, email: 'áda@example.org' })
  assert.equal((await store.index('byEmail').get('ada@example.ORG')).id, 1)
  await store.upsert({ email: 'ADA@Example.org', name: 'Ada' }, { on: 'byEmail' })
  assert.deepEqual(await store.get(1), { id: 1, email: 'ADA@Example.org', name: 'Ada' })
  await db.createObjectStore('more', { keyPath: 'id' })
  await db.store('more').putMany([
    { id: 1, email: 'x' },
    { id: 2, email: 'X' },
  ])
  const options = { unique: true, collation: { locale: 'en', strength: 2 } } as const
  await rejects(db.createIndex('more', 'byEmail', 'email', options), 'UNIQUE_VIOLATION')
})

test('a query uses an index of the very same collation, and no other for strings', async (t) => {
  const { people } = await filled(t)
  await people.putMany(Array.from({ length: 500 }, (_, i) => ({ id: 100 + i, name: `w ${i}` })))
  const planOf = (query: any) => query.explain()
  const sorted = people.find().sort('name').collation({ locale: 'FR', strength: 1 }).limit(2)
  const plan = await planOf(sorted.hint('byName'))
  assert.equal(plan.index, 'byName')
  assert.equal(plan.sort.from, 'the order of the walk')
  assert.deepEqual(await sorted.hint('byName').keys(), [6, 3])
  const equal = people.find({ name: 'EMILE' }).collation(french)
  assert.equal((await planOf(equal)).index, 'byName')
  assert.match((await planOf(equal)).bounds[0].name[0], /^sort key /)
  assert.deepEqual(await equal.keys(), [4, 5])
  assert.equal(await equal.count(), 2)

  const why = (explanation: any, name: string) =>
    explanation.candidates.find(({ plan: it }: any) => it === `index ${name}`)?.rejectedBecause
  const plain = await planOf(people.find({ name: 'Emile' }))
  assert.equal(plain.index, 'byPlain')
  assert.match(why(plain, 'byName'), /another collation/)
  assert.match(why(await planOf(equal), 'byPlain'), /another collation/)
  assert.match(why(await planOf(people.find().sort('name')), 'byName'), /another collation/)
  await rejects(people.find({ name: 'a' }).hint('byName').count(), 'INVALID_QUERY')
  await rejects(sorted.hint('byPlain').toArray(), 'INVALID_QUERY')
  await rejects(sorted.hint('byNameDown').toArray(), 'INVALID_QUERY')
  // Numbers are the same in every order, and patterns are of code units.
  assert.equal((await planOf(people.find({ name: 12 }).collation(swedish))).index !== null, true)
  const pattern = people.find({ name: { $startsWith: 'Em' } }).collation(french)
  assert.equal((await planOf(pattern)).index, 'byPlain')
  assert.deepEqual(await pattern.keys(), [5])
})

test('pages go on in the order of an index', async (t) => {
  const { people } = await filled(t)
  await people.putMany(Array.from({ length: 50 }, (_, i) => ({ id: 100 + i, name: 'EéEe'[i % 4] })))
  const query = people.find().sort('name').collation(french).hint('byName')
  const all = await query.keys()
  const paged: number[] = []
  let page = await query.page({ size: 9 })
  for (;;) {
    paged.push(...page.items.map(({ id }: any) => id))
    if (page.next === null) break
    page = await query.page({ size: 9, after: page.next })
  }
  assert.deepEqual(paged, all)
  assert.deepEqual(all, await people.find().sort('name').collation(french).keys())
})

test('the filter of a partial index compares under its collation', async (t) => {
  const { db, people } = await filled(t)
  const where = { city: 'paris' }
  await db.createIndex('people', 'inParis', 'name', { where, collation: french })
  assert.deepEqual(await people.index('inParis').getAllKeys(), [4, 1, 2])
  const found = people.find({ city: 'paris', name: 'zoe' }).collation(french)
  assert.deepEqual(await found.hint('inParis').keys(), [1, 2])
  await rejects(people.find(where).hint('inParis').keys(), 'INVALID_QUERY')
})

test('what is wrong in a definition is named', async (t) => {
  const { db, people } = await filled(t)
  const create = (collation: unknown) =>
    db.createIndex('people', 'x', 'name', { collation: collation as any })
  await rejects(create({ locale: 'xx' }), 'INVALID_ARGUMENT', { path: 'options.collation.locale' })
  await rejects(create({ locale: 'fr', backwards: true }), 'INVALID_ARGUMENT', {
    path: 'options.collation.backwards',
  })
  await rejects(create('fr'), 'INVALID_ARGUMENT', { path: 'options.collation' })
  assert.deepEqual(people.index('byName').collation, {
    locale: 'fr',
    strength: 'primary',
    caseLevel: false,
    caseFirst: 'off',
    numericOrdering: false,
    alternate: 'non-ignorable',
    maxVariable: 'punct',
  })
  assert.equal(people.index('byPlain').collation, null)
})

test('a definition is compared with all its settings', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const opened = (collation: object | undefined) => {
    const byName = { on: 'name', ...(collation && { collation }) }
    return open(path, { stores: { people: { keyPath: 'id', indexes: { byName } } } } as any)
  }
  await (await opened({ locale: 'fr', strength: 3 })).close()
  await (await opened({ locale: 'FR' })).close()
  const at = { path: 'options.stores.people.indexes.byName.collation' }
  await rejects(opened({ locale: 'fr', strength: 1 }), 'INVALID_ARGUMENT', at)
  await rejects(opened(undefined), 'INVALID_ARGUMENT', at)
  await rejects(opened({ locale: 'de-u-co-none' }), 'INVALID_ARGUMENT', {
    path: `${at.path}.locale`,
  })
})

test('random ranges of an index are what queries without it find', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const random = new Random(seed)
  const letters = [...'aAáÀbB-zé1٣ ']
  const word = () =>
    Array.from({ length: random.below(5) }, () => letters[random.below(letters.length)]).join('')
  const given = Array.from({ length: 300 }, (_, id) => ({
    id,
    n: 1,
    word: random.below(8) === 0 ? random.below(3) : word(),
  }))
  for (const collation of [
    french,
    { locale: 'en', numericOrdering: true, caseFirst: 'upper' },
    { locale: 'und', strength: 4, alternate: 'shifted' },
  ] as const) {
    const ordered = {
      up: { on: 'word', collation },
      down: { on: '-word', collation },
      compound: { on: ['n', 'word'], collation },
    } as const
    const stores = {
      with: { keyPath: 'id', indexes: ordered },
      without: { keyPath: 'id' },
    } as const
    const db = (await temporaryDatabase(t, { stores })) as any
    await Promise.all([db.store('with').putMany(given), db.store('without').putMany(given)])
    const { up, down, compound } = Object.fromEntries(
      Object.keys(ordered).map((name) => [name, db.store('with').index(name)]),
    )
    for (let i = 0; i < 40; i++) {
      const [lower, upper] = [word(), word()]
      const bounds = {
        ...(random.below(2) === 0 ? { gt: lower } : { gte: lower }),
        ...(random.below(2) === 0 ? { lt: upper } : { lte: upper }),
      }
      const condition = Object.fromEntries(
        Object.entries(bounds).map(([name, value]) => [`$${name}`, value]),
      )
      const found = db.store('without').find({ word: condition }).collation(collation)
      const context = JSON.stringify({ collation, bounds })
      const expected = await found.sort('word')
      const rows = await up.entries(bounds).toArray()
      const shown = rows.map(({ key, primaryKey }: any) => ({ id: primaryKey, n: 1, word: key }))
      assert.deepEqual(shown, expected, context)
      const ids = expected.map(({ id }: any) => id)
      const pairs = Object.entries(bounds).map(([name, value]) => [name, [1, value]])
      assert.deepEqual(await compound.getAllKeys(Object.fromEntries(pairs)), ids, context)
      const descending = await found.sort('-word').keys()
      assert.deepEqual(await down.getAllKeys(bounds), descending, context)
      if (rows.length === 0) continue
      // A cursor finds each row by its keys.
      const { key, primaryKey } = rows[random.below(rows.length)]
      for (const index of [up, down]) {
        await using cursor = index.openCursor()
        assert.ok(await cursor.seek(key, primaryKey), context)
        assert.deepEqual([cursor.key, cursor.primaryKey], [key, primaryKey], context)
      }
    }
  }
})

test('a build under way is not that of another collation', async (t) => {
  const db = (await temporaryDatabase(t, { stores: { s: { keyPath: 'id' } } })) as any
  await db.store('s').putMany(documents(5000))
  const refused: Promise<unknown>[] = []
  await db.createIndex('s', 'byName', 'name', {
    collation: swedish,
    onProgress: () => {
      if (refused.length > 0) return
      for (const options of [{ collation: french }, {}]) {
        refused.push(rejects(db.createIndex('s', 'byName', 'name', options), 'INDEX_EXISTS'))
      }
    },
  })
  assert.equal((await Promise.all(refused)).length, 2)
  assert.equal(await db.store('s').index('byName').count(), 5000)
})

test('pipelines compare code units, whatever indexes there are', async (t) => {
  const stores = {
    left: { keyPath: 'id', indexes: { byWord: { on: 'word', collation: french } } },
    right: {
      keyPath: 'id',
      indexes: { byWord: { on: 'word', unique: true, collation: french } },
    },
  } as const
  const db = (await temporaryDatabase(t, { stores })) as any
  const words = ['b', 'É', 'e', 'a', 'é']
  const left = db.store('left')
  await left.putMany(words.map((word, id) => ({ id, word })))
  await db.store('right').putMany(['É', 'a'].map((word, id) => ({ id, word })))
  const ids = async (pipeline: object[]) =>
    (await left.aggregate(pipeline)).map((row: any) => row.id ?? row._id)
  assert.deepEqual(await ids([{ $match: { word: 'é' } }]), [4])
  assert.deepEqual(await ids([{ $sort: { word: 1 } }]), [3, 0, 2, 1, 4])
  assert.equal((await ids([{ $group: { _id: '$word' } }])).length, 5)
  const hinted = await left.aggregate([{ $group: { _id: '$word' } }], { hint: 'byWord' })
  assert.deepEqual(hinted.map(({ _id }: any) => _id).toSorted(), words.toSorted())
  const lookup = { from: 'right', localField: 'word', foreignField: 'word', as: 'found' }
  const joined = await left.aggregate([
    { $lookup: lookup },
    { $match: { 'found.0': { $exists: true } } },
  ])
  assert.deepEqual(
    joined.map(({ word }: any) => word),
    ['É', 'a'],
  )
  const merge = { $merge: { into: 'right', on: 'word' } }
  await rejects(left.aggregate([{ $project: { id: 1, word: 1 } }, merge]), 'INDEX_NOT_FOUND')
  const options = { collation: french }
  const aggregated = async () => left.aggregate([{ $match: {} }], options)
  await rejects(aggregated(), 'INVALID_ARGUMENT')
})

/** What a thread or process finds by a collated index. */
const READ = `
  const db = await open(path, { mode: 'readOnly' })
  const people = db.store('people')
  const keys = await people.index('byName').getAllKeys('EMILE')
  const collation = { locale: 'fr', strength: 1 }
  const sorted = await people.find().sort('name').collation(collation).hint('byName').keys()
  await db.close()
`

test('threads, processes and read-only opens find the same', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = (await open(path, { stores: STORES })) as any
  await db.store('people').putMany(PEOPLE)
  const expected = { keys: [4, 5], sorted: [6, 3, 4, 5, 1, 2] }
  const index = require.resolve('../../index.js')
  const inThread = `const { parentPort, workerData: { path, index } } = require('worker_threads')
    const { open } = require(index)
    ;(async () => { ${READ} parentPort.postMessage({ keys, sorted }) })()`
  const worker = new Worker(inThread, { eval: true, workerData: { path, index } })
  const heard = await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  })
  assert.deepEqual(heard, expected)
  const inProcess = `const [index, path] = process.argv.slice(1)
    const { open } = require(index)
    ;(async () => { ${READ} console.log(JSON.stringify({ keys, sorted })) })()`
  const { stdout } = await execute(process.execPath, ['-e', inProcess, index, path])
  assert.deepEqual(JSON.parse(stdout), expected)
  await db.close()
})
