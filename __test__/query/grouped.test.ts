// Groups out of an index: the same as without one, and only where that is cheaper.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { open } from '../../index.js'
import { Random, seed } from '../support/random'
import { storeOf } from './store'

const INDEXES = {
  byA: { on: 'a' },
  byADown: { on: '-a' },
  byAB: { on: ['a', 'b'] },
  byC: { on: 'c.d' },
  byBA: { on: ['b', 'a', 'c.d'] },
} as const
const TIMES = Number(process.env.LODESTORE_TIMES ?? 1)

/** Values that a key does not tell apart, and that no key tells, among others. */
function randomValue(random: Random, special: boolean): unknown {
  const plain = [null, undefined, true, false, 0, -0, 1, 1n, 2.5, 'x', 'y', '']
  const more = [
    new Date(5),
    new Uint8Array([1]),
    new Uint8Array([1]).buffer,
    [],
    [1, 'x'],
    { e: 1 },
  ]
  return random.pick<unknown>(special ? [...plain, ...more, Number.NaN] : plain)
}

function randomDocument(random: Random, id: number, special: boolean): object {
  const document: any = { id, n: random.below(5) }
  for (const name of ['a', 'b']) {
    if (random.chance(0.85)) document[name] = randomValue(random, special)
  }
  if (random.chance(0.8)) document.c = { d: randomValue(random, special) }
  if (special && random.chance(0.05)) document.c = [{ d: 1 }]
  return document
}

function randomGrouping(random: Random): object[] {
  const path = () => random.pick(['a', 'b', 'c.d'])
  const several = { a: '$a', b: '$b' }
  const by = random.pick<unknown>([`$${path()}`, `$${path()}`, { x: `$${path()}` }, several])
  const accumulators = random.pick<object>([
    {},
    { n: { $count: {} } },
    { n: { $sum: 2 }, m: { $count: {} } },
    { n: { $sum: '$n' }, most: { $max: '$n' } },
  ])
  const stages: object[] = random.pick<object[]>([
    [{ $group: { _id: by, ...accumulators } }],
    [{ $group: { _id: by, ...accumulators } }],
    [{ $sortByCount: `$${path()}` }],
    [{ $distinct: `$${path()}` }],
  ])
  if (random.chance(0.4)) stages.push({ $sort: { _id: random.pick([1, -1]) } })
  const filters = [{ a: { $gte: 0 } }, { a: 1 }, { b: 'x' }, { a: { $exists: true } }, { n: 2 }]
  if (random.chance(0.5)) stages.unshift({ $match: random.pick<object>(filters) })
  return stages
}

/** A value of those that are equal: which of them a group shows is that of any of its documents. */
function comparable(value: any): unknown {
  if (typeof value === 'bigint' || value === 0) return Number(value) + 0
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(comparable)
  if (value == null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, comparable(field)]))
}

/** Rows as text; without an order, sorted. */
function texts(rows: unknown[], ordered: boolean): string[] {
  const all = rows.map((row) => inspect(comparable(row), { depth: 9, sorted: true }))
  return ordered ? all : all.toSorted()
}

test('random groups are the same with and without indexes', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const methods = new Map<string, number>()
  for (let round = 0; round < 12 * TIMES; round++) {
    const random = new Random(seed + round)
    const special = round % 3 === 2
    const db = await open(':memory:', {
      stores: { plain: { keyPath: 'id' }, indexed: { keyPath: 'id', indexes: INDEXES as any } },
    })
    const [without, indexed]: any[] = [db.store('plain'), db.store('indexed')]
    // Only many documents are read in each of the ways that are asked for below.
    const length = [400, 3, 400, 0][round % 4]!
    const documents = Array.from({ length }, (_, id) => randomDocument(random, id, special))
    await without.putMany(documents)
    await indexed.putMany(documents)
    for (let i = 0; i < 60; i++) {
      const stages = randomGrouping(random)
      // Arrays may be equal in a sort.
      const ordered = !special && stages.some((stage) => '$sort' in stage)
      const expected = texts(await without.aggregate(stages), ordered)
      const hint = random.chance(0.5) ? random.pick(Object.keys(INDEXES)) : undefined
      const pipeline = indexed.aggregate(stages, hint === undefined ? {} : { hint })
      let explained: any
      try {
        explained = await pipeline.explain()
      } catch (error: any) {
        assert.equal(error.code, 'INVALID_QUERY')
        continue
      }
      const told = inspect({ stages, hint }, { depth: 9 })
      const place = `LODESTORE_SEED=${seed}, round ${round}, ${told}`
      assert.deepEqual(texts(await pipeline, ordered), expected, place)
      assert.equal(explained.returned, expected.length, place)
      const grouped = explained.stages.find(({ stage }: any) => !stage.startsWith('$match'))
      methods.set(grouped.method, (methods.get(grouped.method) ?? 0) + 1)
      const inTransaction = await db.transaction(async () => pipeline.toArray())
      assert.deepEqual(texts(inTransaction, ordered), expected, place)
    }
    await db.close()
  }
  t.diagnostic(inspect(methods))
  for (const method of ['hash', 'stream', 'index keys', 'index skip scan']) {
    assert.ok(methods.get(method)! > 0, method)
  }
})

test('counts are made of the entries alone, keys by skipping', async (t) => {
  const documents = Array.from({ length: 2_000 }, (_, i) => ({ a: `key ${i % 4}`, n: i }))
  const { store } = await storeOf(t, documents, { indexes: { byA: { on: 'a' } } })
  const counted = store.aggregate([
    { $group: { _id: '$a', n: { $sum: 1 } } },
    { $sort: { _id: -1 } },
    { $limit: 2 },
  ])
  assert.deepEqual(await counted, [
    { _id: 'key 3', n: 500 },
    { _id: 'key 2', n: 500 },
  ])
  const { front, stages } = await counted.explain()
  assert.equal(front.plan, 'index byA, by its keys alone')
  assert.equal(front.examinedDocs, 0)
  assert.deepEqual(
    stages.map(({ stage, method }: any) => [stage, method]),
    [
      ['$group', 'index keys'],
      ['$sort', 'the order of the index'],
      ['$limit', null],
    ],
  )
  const distinct = await store.aggregate([{ $distinct: '$a' }]).explain()
  assert.equal(distinct.stages[0].method, 'index skip scan')
  assert.ok(distinct.examinedKeys < 100)
  // Every document has to be looked at: one after the other they are cheapest.
  const sums = await store.aggregate([{ $group: { _id: '$a', n: { $sum: '$n' } } }]).explain()
  assert.deepEqual([sums.front.plan, sums.stages[0].method], ['full scan', 'hash'])
})

test('groups that would take too much memory come one by one', async (t) => {
  const documents = Array.from({ length: 5_000 }, (_, i) => ({ a: i % 2_500, n: i }))
  const { store } = await storeOf(t, documents, { indexes: { byA: { on: 'a' } } })
  const stages = [{ $group: { _id: '$a', n: { $sum: '$n' } } }]
  const all = await store.aggregate([...stages, { $sort: { _id: 1 } }])
  const small = store.aggregate([...stages, { $sort: { _id: 1 } }], { memoryLimit: 20_000 })
  assert.deepEqual(await small, all)
  const explained = await small.explain()
  assert.equal(explained.front.plan, 'index byA, group by group')
  assert.equal(explained.stages[0].method, 'stream')
  assert.ok(explained.memory < 5_000, `${explained.memory} bytes`)
  const one = await store.aggregate([...stages, { $sort: { _id: -1 } }, { $limit: 1 }]).explain()
  assert.equal(one.stages[0].method, 'stream')
  assert.ok(one.examinedDocs <= 1_100, `${one.examinedDocs} documents`)
})

test('a group of more entries than a piece is counted over several', async (t) => {
  const documents = Array.from({ length: 120_000 }, (_, i) => ({ ...(i % 3 > 0 && { a: null }) }))
  const { store } = await storeOf(t, documents, { indexes: { byA: { on: 'a' } } })
  const count = { $group: { _id: '$a', n: { $count: {} } } }
  assert.deepEqual(await store.aggregate([count]), [{ _id: null, n: 120_000 }])
  const explained = await store.aggregate([count]).explain()
  assert.equal(explained.stages[0].method, 'index keys')
  const apart = [{ $group: { _id: { a: '$a' }, n: { $count: {} } } }, { $sort: { n: 1 } }]
  const expected = [
    { _id: {}, n: 40_000 },
    { _id: { a: null }, n: 80_000 },
  ]
  assert.deepEqual(await store.aggregate(apart), expected)
  assert.deepEqual(await store.aggregate(apart, { hint: 'byA' }), expected)
})

test('in a transaction each document is of one group, whatever is written', async (t) => {
  const documents = Array.from({ length: 25_000 }, (_, i) => ({ a: `key ${i % 5}`, b: i }))
  const indexes = { byA: { on: 'a' }, byB: { on: 'b' } }
  const { db, store } = await storeOf(t, documents, { indexes })
  const count = (field: string) => ({ $group: { _id: `$${field}`, n: { $count: {} } } })
  await db.transaction(async () => {
    const byA = await store.aggregate([count('a'), { $sort: { _id: 1 } }])
    assert.deepEqual(
      byA,
      [0, 1, 2, 3, 4].map((i) => ({ _id: `key ${i}`, n: 5_000 })),
    )
    assert.equal((await store.aggregate([{ $distinct: '$b' }])).length, 25_000)
    assert.equal((await store.find().distinct('a')).length, 5)
    // Each document goes to another group, which comes later, while groups are read.
    const groups = new Map<number, number>()
    for await (const { _id, n } of store.aggregate([count('b'), { $sort: { _id: 1 } }])) {
      if (groups.size === 0) await store.find({}).update({ $inc: { b: 100_000 } })
      groups.set(_id, n)
    }
    assert.equal(groups.size, 25_000)
    assert.ok([...groups].every(([b, n]) => b < 25_000 && n === 1))
  })
})
