// Searches in vector indexes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database, VectorMetric } from '../../index.js'
import { untilCancelled } from '../support/check'
import { rejects, temporaryDatabase, throws } from '../support/database'
import { assertCode } from '../support/errors'
import { Random, seed } from '../support/random'
import { distancesOf, faultOf } from './brute-force'

type Context = Parameters<typeof temporaryDatabase>[0]

const METRICS: VectorMetric[] = ['cosine', 'dot', 'l2', 'hamming']

function vectorOf(random: Random, metric: VectorMetric, dimensions: number) {
  if (metric === 'hamming') {
    return Uint8Array.from({ length: dimensions / 8 }, () => random.below(256))
  }
  return Float32Array.from({ length: dimensions }, () => random.next() - 0.5)
}

async function store(t: Context, metric: VectorMetric = 'l2', dimensions = 2) {
  const db = await temporaryDatabase(t, {
    stores: {
      docs: {
        keyPath: 'id',
        indexes: { byGroup: { on: 'group' } },
        vectors: { near: { on: 'vector', dimensions, metric } },
      },
    },
  })
  return { db, docs: db.store('docs') as any }
}

const keys = (found: { key: unknown }[]) => found.map(({ key }) => key)

for (const metric of METRICS) {
  test(`${metric}: what is found is nearest (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const { docs } = await store(t, metric, 40)
    const documents = Array.from({ length: 1500 }, (_, id) => ({
      id,
      group: id % 10,
      vector: random.chance(0.8) ? vectorOf(random, metric, 40) : undefined,
    }))
    await docs.putMany(documents)
    for (let n = 0; n < 20; n++) {
      const query = vectorOf(random, metric, 40)
      const k = random.between(1, 30)
      const all = distancesOf(documents, metric, query)
      const found = await docs.nearest('near', query, { k, exact: true })
      assert.equal(faultOf(found, all, k), undefined)
      assert.deepEqual(found[0].doc, documents[found[0].key as number])
      const group = random.below(10)
      const some = all.filter(({ key }) => (key as number) % 10 === group)
      const filtered = await docs.nearest('near', query, { k, where: { group }, exact: true })
      assert.equal(faultOf(filtered, some, k), undefined)
      const most = all[random.below(all.length)]!.distance
      const close = await docs.nearest('near', query, { k: 5000, maxDistance: most + 1e-9 })
      assert.equal(
        faultOf(
          close,
          all.filter(({ distance }) => distance <= most + 1e-9),
          5000,
        ),
        undefined,
      )
    }
  })
}

test('distances and scores are what they are said to be', async (t) => {
  const cosine = await store(t, 'cosine')
  await cosine.docs.putMany([
    { id: 1, vector: [2, 0] },
    { id: 2, vector: [0, 3] },
    { id: 3, vector: [-1, 0] },
  ])
  assert.deepEqual(
    (await cosine.docs.nearest('near', [1, 0])).map((hit: any) => [
      hit.key,
      hit.distance,
      hit.score,
    ]),
    [
      [1, 0, 1],
      [2, 1, 0],
      [3, 2, -1],
    ],
  )
  const dot = await store(t, 'dot')
  await dot.docs.put({ id: 1, vector: [2, 5] })
  assert.deepEqual(await dot.docs.nearest('near', [3, 1]), [
    { key: 1, distance: -11, score: 11, doc: { id: 1, vector: [2, 5] } },
  ])
  const l2 = await store(t, 'l2')
  await l2.docs.put({ id: 1, vector: [3, 4] })
  assert.deepEqual(await l2.docs.nearest('near', [0, 0], { includeVectors: false }), [
    { key: 1, distance: 5, score: 1 / 6, doc: { id: 1 } },
  ])
  const bits = await store(t, 'hamming', 16)
  await bits.docs.put({ id: 1, vector: Uint8Array.of(0xff, 0x01) })
  const [hit] = await bits.docs.nearest('near', Uint8Array.of(0xf0, 0x00))
  assert.deepEqual([hit.distance, hit.score], [5, 1 - 5 / 16])
})

test('vectors come as typed arrays and lists of numbers', async (t) => {
  const { docs } = await store(t)
  await docs.putMany([
    { id: 1, vector: Float32Array.of(1, 0) },
    { id: 2, vector: Float64Array.of(2, 0) },
    { id: 3, vector: Int8Array.of(3, 0) },
    { id: 4, vector: [4, 0] },
    { id: 5, vector: new Float32Array(Float32Array.of(9, 5, 0).buffer, 4, 2) },
  ])
  for (const zero of [new Float32Array(2), new Float64Array(2), new Int8Array(2), [0, 0]]) {
    const found = await docs.nearest('near', zero)
    assert.deepEqual(
      found.map((hit: any) => hit.distance),
      [1, 2, 3, 4, 5],
    )
  }
})

test('of several vectors of a document the nearest counts', async (t) => {
  const { docs } = await store(t)
  await docs.putMany([
    { id: 1, vector: [[5, 5], Float32Array.of(1, 0)] },
    { id: 2, vector: [2, 0] },
    { id: 3, vector: [] },
    { id: 4, vector: null },
    { id: 5 },
    { id: 6, vector: [[4, 5]] },
  ])
  assert.deepEqual(keys(await docs.nearest('near', [0, 0])), [1, 2, 6])
  assert.deepEqual(keys(await docs.nearest('near', [5, 5])), [1, 6, 2])
})

test('equally near documents come in the order of their keys', async (t) => {
  const { docs } = await store(t, 'l2', 3)
  await docs.putMany(
    Array.from({ length: 500 }, (_, i) => ({ id: 499 - i, vector: [1, 1, i % 2] })),
  )
  const found = await docs.nearest('near', [1, 1, 1], { k: 260 })
  const odd = Array.from({ length: 250 }, (_, i) => 2 * i)
  assert.deepEqual(keys(found), [...odd, ...Array.from({ length: 10 }, (_, i) => 2 * i + 1)])
})

test('select says which fields there are', async (t) => {
  const { docs } = await store(t)
  await docs.put({ id: 1, group: 3, vector: [1, 1], name: { first: 'a', last: 'b' } })
  const doc = async (options: object) => (await docs.nearest('near', [0, 0], options))[0].doc
  assert.deepEqual(await doc({ select: ['name.first'] }), { name: { first: 'a' } })
  assert.deepEqual(await doc({ select: { vector: 0, name: 0 } }), { id: 1, group: 3 })
  throws(
    () => docs.nearest('near', [0, 0], { select: ['id'], includeVectors: true }),
    'INVALID_ARGUMENT',
  )
})

test('a transaction sees what it wrote, a snapshot its moment', async (t) => {
  const { db, docs } = await store(t)
  await docs.putMany(
    Array.from({ length: 1200 }, (_, id) => ({ id, group: id % 3, vector: [id, 0] })),
  )
  const snapshot = await db.snapshot()
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.put({ id: 5000, vector: [0.25, 0] })
    await own.delete(0)
    await own.update(1, { $set: { vector: [900, 900] } })
    assert.deepEqual(keys(await own.nearest('near', [0, 0], { k: 3 })), [5000, 2, 3])
    await assert.rejects(
      tx.savepoint(async () => {
        await own.delete(5000)
        assert.deepEqual(keys(await own.nearest('near', [0, 0], { k: 2 })), [2, 3])
        throw new Error('undone')
      }),
    )
    assert.deepEqual(keys(await own.nearest('near', [0, 0], { k: 2 })), [5000, 2])
    const outside = await db.outside(() => docs.nearest('near', [0, 0], { k: 2 }).toArray())
    assert.deepEqual(keys(outside as any), [0, 1])
  })
  assert.deepEqual(keys(await docs.nearest('near', [0, 0], { k: 2 })), [5000, 2])
  const old = snapshot.store('docs') as any
  assert.deepEqual(keys(await old.nearest('near', [0, 0], { k: 2, where: { group: 1 } })), [1, 4])
  snapshot.close()
})

test('explain tells how documents were found', async (t) => {
  const { docs } = await store(t)
  await docs.putMany(
    Array.from({ length: 2000 }, (_, id) => ({ id, group: id % 500, vector: [id, 1] })),
  )
  const all = await docs.nearest('near', [1, 1], { k: 7, exact: true }).explain()
  assert.equal(all.plan, 'full scan')
  assert.deepEqual(all.nearest, {
    index: 'near',
    metric: 'l2',
    dimensions: 2,
    k: 7,
    method: 'exact',
    because: 'it was asked for',
  })
  assert.equal(all.returned, 7)
  assert.ok(all.candidates.some(({ plan }: any) => plan === 'vector index near'))
  const some = await docs.nearest('near', [1, 1], { where: { group: 3 } }).explain()
  assert.equal(some.plan, 'index byGroup')
  assert.ok(some.examinedDocs <= 8, `${some.examinedDocs}`)
  const text = await docs.nearest('near', [1, 1], { exact: true }).explain({ format: 'text' })
  assert.match(text, /the 10 nearest by l2 in vector index near, exact, since it was asked for/)
  await docs.find({ id: { $gte: 40 } }).update({ $unset: { vector: 1 } })
  const few = await docs.nearest('near', [1, 1]).explain()
  assert.equal(few.plan, 'vector index near')
  assert.deepEqual([few.examinedKeys, few.returned], [40, 10])
})

test('a signal ends a search, wherever it runs', async (t) => {
  const { docs } = await store(t, 'l2', 1000)
  const vector = new Float32Array(1000).fill(1)
  await docs.putMany(Array.from({ length: 3000 }, (_, id) => ({ id, vector })))
  await rejects(docs.nearest('near', vector, { signal: AbortSignal.abort() }).toArray(), 'ABORTED')
  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    return docs.nearest('near', vector, { signal: controller.signal }).toArray()
  }
  assertCode(await untilCancelled(cancelled), 'ABORTED')
  assert.equal((await docs.nearest('near', vector)).length, 10)
})

test('a vector that cannot be searched for is refused', async (t) => {
  const { docs } = await store(t, 'cosine')
  const search = (vector: unknown, options?: object) => docs.nearest('near', vector, options)
  await rejects(search([1, 2, 3]), 'DIMENSION_MISMATCH', { index: 'near', path: 'vector' })
  await rejects(search([1, Number.NaN]), 'INVALID_QUERY', { path: 'vector' })
  await rejects(search([0, 0]), 'INVALID_QUERY', { path: 'vector' })
  await rejects(search(new Uint8Array(2)), 'INVALID_QUERY')
  const detached = new Float32Array(2)
  structuredClone(detached, { transfer: [detached.buffer] })
  for (const vector of ['ab', null, undefined, {}, [1, '2'], [[1, 2]], detached]) {
    throws(() => search(vector), 'INVALID_ARGUMENT')
  }
  for (const options of [
    { k: 0 },
    { k: 1.5 },
    { maxDistance: Number.NaN },
    { ef: 3 },
    { where: 1 },
  ]) {
    throws(() => search([1, 2], options), 'where' in options ? 'INVALID_QUERY' : 'INVALID_ARGUMENT')
  }
  await rejects(docs.nearest('far', [1, 2]), 'INDEX_NOT_FOUND', { store: 'docs', index: 'far' })
  await rejects(docs.nearest('byGroup', [1, 2]), 'INDEX_NOT_FOUND', { index: 'byGroup' })
  await rejects(search([1, 2], { where: { a: { $gee: 1 } } }), 'INVALID_QUERY')
})

test('what is given to a search may change afterwards', async (t) => {
  const { docs } = await store(t)
  await docs.putMany([
    { id: 1, vector: [1, 0], group: 1 },
    { id: 2, vector: [0, 1], group: 1 },
  ])
  const query = Float32Array.of(1, 0)
  const where = { group: 1 }
  const search = docs.nearest('near', query, { where, k: 1 })
  query[0] = -50
  where.group = 2
  assert.deepEqual(keys(await search), [1])
  assert.deepEqual(keys(await search), [1])
})

test('documents without vectors and empty indexes give nothing', async (t) => {
  const { docs } = await store(t)
  assert.deepEqual(await docs.nearest('near', [1, 1]), [])
  await docs.putMany(Array.from({ length: 1500 }, (_, id) => ({ id })))
  assert.deepEqual(await docs.nearest('near', [1, 1]), [])
})

test('a database of one type knows the types of hits', async (t) => {
  const db: Database = (await store(t)).db
  const found = await db.store<{ id: number; name: string }, number>('docs').nearest('near', [1, 1])
  const names: string[] = found.map(({ doc }) => doc.name)
  assert.deepEqual(names, [])
})

test('a query keeps the vector that it was given', async (t) => {
  const stores = { docs: { keyPath: 'id', vectors: { near: { on: 'vector', dimensions: 4 } } } }
  const db = await temporaryDatabase(t, { stores } as object)
  const docs = db.store('docs') as any
  const types = [Float32Array, Float64Array, Int8Array]
  for (let id = 0; id < 4; id++) {
    await docs.put({ id, vector: Float32Array.from({ length: 4 }, (_, i) => (i === id ? 1 : 0)) })
  }
  const queries: [number, any][] = []
  const reused = types.map((Type) => new Type(new ArrayBuffer(96), 8, 4))
  for (let round = 0; round < 3_000; round++) {
    const query = reused[round % types.length]!
    const axis = (round * 7) % 4
    query.fill(0)
    query[axis] = 1
    queries.push([axis, docs.find({ $vector: { index: 'near', query, k: 1 } }).keys()])
  }
  for (const query of reused) query.fill(9)
  for (const [axis, query] of queries) assert.deepEqual(await query, [axis])
})

test('a vector that is gone, or long, is told of or searched for', async (t) => {
  const dimensions = 2_000
  const stores = { docs: { keyPath: 'id', vectors: { near: { on: 'vector', dimensions } } } }
  const db = await temporaryDatabase(t, { stores } as object)
  const docs = db.store('docs') as any
  const vector = new Float32Array(dimensions).fill(1)
  await docs.put({ id: 1, vector })
  const find = (query: unknown) => docs.find({ $vector: { index: 'near', query, k: 1 } }).keys()
  assert.deepEqual(await find(vector), [1])
  const gone = new Float32Array(dimensions)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  assert.throws(() => find(gone), { code: 'INVALID_QUERY' })
  await assert.rejects(async () => find(new Float32Array(0)), { code: 'DIMENSION_MISMATCH' })
})
