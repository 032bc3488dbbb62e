// Pages: by tokens, in both directions, whatever comes and goes between them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random, seed } from '../support/random'
import { rejects, throws } from '../support/database'
import { storeOf } from './store'

const SORTS = [undefined, 'id', '-group', ['group', '-name'], { name: -1 }, ['-tags', 'group']]

async function filled(t: Parameters<typeof storeOf>[0], count: number) {
  return storeOf(
    t,
    Array.from({ length: count }, (_, i) => ({
      group: i % 7,
      name: `name ${(i * 37) % 50}`,
      ...(i % 3 === 0 ? { tags: [i % 4, 'x'] } : {}),
    })),
    { indexes: { byGroup: { on: 'group' } } },
  )
}

/** All pages, from one end to the other. */
async function walk(query: any, size: number, direction: 'after' | 'before', from: any = {}) {
  const pages: number[][] = []
  let page = await query.page({ size, ...from })
  for (;;) {
    pages.push(page.items.map(({ id }: any) => id))
    const token = direction === 'after' ? page.next : page.prev
    if (token === null) return { pages, last: page }
    assert.ok(pages.length < 1000, 'the pages have no end')
    page = await query.page({ size, [direction]: token })
  }
}

for (const sort of SORTS) {
  test(`pages sorted by ${JSON.stringify(sort)} are the query in pieces`, async (t) => {
    const { store } = await filled(t, 200)
    const query = sort === undefined ? store.find() : store.find().sort(sort)
    const all = (await query).map(({ id }: any) => id)
    for (const size of [1, 7, 200, 500]) {
      const { pages, last } = await walk(query, size, 'after')
      assert.deepEqual(pages.flat(), all, `of ${size}`)
      assert.equal(last.hasMore, false)
      // The last page begins the way back.
      if (last.prev === null) continue
      const back = await walk(query, size, 'before', { before: last.prev })
      const forward = pages.slice(0, -1)
      assert.deepEqual(back.pages.toReversed().flat(), forward.flat(), `back, of ${size}`)
      assert.equal(back.last.prev, null)
    }
  })
}

test('what comes and goes between pages repeats and skips nothing else', async (t) => {
  const { store } = await filled(t, 300)
  const random = new Random(seed)
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const query = store.find({ group: { $gte: 0 } }).sort(['group', '-name'])
  const untouched = new Set<number>(await query.keys())
  const seen: number[] = []
  let after: string | null = null
  do {
    const { items, next } = await query.page({ size: 10, after })
    seen.push(...items.map(({ id }: any) => id))
    after = next
    for (let i = 0; i < 5; i++) {
      const id = random.below(300)
      untouched.delete(id)
      if (random.chance(0.5)) await store.delete(id)
      else await store.put({ id, group: random.below(7), name: `name ${random.below(50)}` })
    }
    const id = 1000 + random.below(1000)
    await store.put({ id, group: random.below(7), name: 'x' })
  } while (after !== null)
  const counts = new Map<number, number>()
  for (const id of seen) counts.set(id, (counts.get(id) ?? 0) + 1)
  for (const id of untouched) assert.equal(counts.get(id), 1, `document ${id}`)
})

test('a page of nothing, and the builder', async (t) => {
  const { store } = await filled(t, 20)
  const nothing = await store.find({ group: 99 }).page({ size: 5 })
  assert.deepEqual(nothing, { items: [], next: null, prev: null, hasMore: false })
  const built = store.query().where('group', '<', 3).orderByAsc('id').limit(4)
  const first = await built.page()
  assert.equal(first.items.length, 4)
  assert.equal(first.hasMore, true)
  const second = await built.cursor(first.next).page()
  const all = await store
    .find({ group: { $lt: 3 } })
    .sort('id')
    .keys()
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }: any) => id),
    all.slice(0, 8),
  )
  const selected = await built.select('name').page()
  assert.deepEqual(Object.keys(selected.items[0]), ['name'])
  assert.deepEqual(await built.cursor(null).page(), first)
})

test('tokens and options are checked', async (t) => {
  const { db, store } = await filled(t, 20)
  const query = store.find({ group: 1 }).sort('name')
  const { next } = await query.page({ size: 1 })
  for (const after of ['', 'x', '00', `${next}00`, next.slice(2)]) {
    await rejects(query.page({ size: 1, after }), 'INVALID_CURSOR')
  }
  await rejects(query.sort('-name').page({ size: 1, after: next }), 'INVALID_CURSOR')
  await rejects(
    store.find({ group: 2 }).sort('name').page({ size: 1, after: next }),
    'INVALID_CURSOR',
  )
  for (let at = 0; at < next.length; at++) {
    const digit = next[at] === '0' ? '1' : '0'
    const after = `${next.slice(0, at)}${digit}${next.slice(at + 1)}`
    await rejects(query.page({ size: 1, after }), 'INVALID_CURSOR')
  }
  await db.createObjectStore('other', { keyPath: 'id' })
  await rejects(
    db.store('other').find({ group: 1 }).sort('name').page({ size: 1, after: next }),
    'INVALID_CURSOR',
  )
  await rejects(query.page(), 'INVALID_ARGUMENT')
  await rejects(query.page({ size: 0 }), 'INVALID_ARGUMENT')
  await rejects(query.page({ size: 1, after: 5 }), 'INVALID_ARGUMENT')
  await rejects(query.page({ size: 1, after: next, before: next }), 'INVALID_ARGUMENT')
  await rejects(query.skip(1).page({ size: 1 }), 'INVALID_QUERY')
  await rejects(query.keys().page({ size: 1 }), 'INVALID_QUERY')
  throws(() => query.cursor(5), 'INVALID_ARGUMENT')
})
