// Many searches in one call.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, type VectorMetric } from '../../index.js'
import { untilCancelled } from '../support/check'
import { rejects, temporaryDatabase, temporaryDirectory, throws } from '../support/database'
import { inThread } from '../support/elsewhere'
import { assertCode } from '../support/errors'
import { Random, seed } from '../support/random'

type Context = Parameters<typeof temporaryDatabase>[0]

const DIMENSIONS = 24

function vectorOf(random: Random, metric: VectorMetric) {
  if (metric === 'hamming') {
    return Uint8Array.from({ length: DIMENSIONS / 8 }, () => random.below(256))
  }
  // Few different components, so that many documents are equally near.
  return Float32Array.from({ length: DIMENSIONS }, () => random.between(-2, 2) + 0.25)
}

async function filled(t: Context, metric: VectorMetric, random: Random, count: number) {
  const near = { on: 'vector', dimensions: DIMENSIONS, metric }
  const stores = {
    docs: { keyPath: 'id', indexes: { byGroup: { on: 'group' } }, vectors: { near } },
  }
  const db = await temporaryDatabase(t, { stores, durability: 'relaxed' })
  const docs = db.store('docs') as any
  const vector = () =>
    random.weighted<() => unknown>([
      [8, () => vectorOf(random, metric)],
      [2, () => random.list(random.below(4), () => vectorOf(random, metric))],
      [1, () => null],
    ])()
  await docs.putMany(
    Array.from({ length: count }, (_, id) => ({ id, group: id % 7, vector: vector() })),
  )
  return { db, docs }
}

for (const metric of ['cosine', 'dot', 'l2', 'hamming'] as const) {
  test(`${metric}: many searches find what one finds (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const { docs } = await filled(t, metric, random, 4000)
    for (const count of [1, 2, 17, 150]) {
      const vectors = random.list(count, () => vectorOf(random, metric))
      const options = random.pick<object>([
        { k: 3 },
        { k: 40, where: { group: 3 } },
        { k: 10, maxDistance: metric === 'hamming' ? 8 : 0.6, includeVectors: false },
        { k: 5, where: { id: { $lt: 5 } }, select: ['group'] },
      ])
      const all = await docs.nearestMany('near', vectors, options)
      assert.equal(all.length, count)
      for (const [at, vector] of vectors.entries()) {
        // By itself a search may ask the graph, which may prefer others that are as near.
        const one = docs.nearest('near', vector, { ...options, exact: true })
        assert.deepEqual(all[at], await one.toArray())
      }
    }
  })
}

test('transactions and snapshots answer many searches of one state', async (t) => {
  const random = new Random(seed)
  const { db, docs } = await filled(t, 'l2', random, 1500)
  const vectors = random.list(9, () => vectorOf(random, 'l2'))
  const search = (store: any) => store.nearestMany('near', vectors, { k: 4, includeVectors: false })
  const singly = (store: any) =>
    Promise.all(
      vectors.map((vector) =>
        store.nearest('near', vector, { k: 4, includeVectors: false, exact: true }),
      ),
    )
  const before = await singly(docs)
  const snapshot = await db.snapshot()
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.delete({ lt: 1000 })
    await own.put({ id: 9000, vector: vectors[3] })
    assert.deepEqual(await search(own), await singly(own))
    assert.equal((await search(own))[3][0].key, 9000)
  })
  assert.deepEqual(await search(docs), await singly(docs))
  assert.deepEqual(await search(snapshot.store('docs')), before)
  snapshot.close()
})

test('worker threads answer many searches', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const stores = {
    docs: { keyPath: 'id', vectors: { near: { on: 'v', dimensions: 2, metric: 'l2' as const } } },
  }
  const db = await open(path, { stores })
  t.after(() => db.close())
  await db.store('docs').putMany(Array.from({ length: 3000 }, (_, id) => ({ id, v: [id, 0] })))
  const found = await inThread<number[][]>(join(__dirname, 'searcher.ts'), { path })
  assert.deepEqual(found, [
    [5, 4, 6],
    [100, 99, 101],
  ])
})

test('what is searched for is checked', async (t) => {
  const { docs } = await filled(t, 'cosine', new Random(1), 20)
  const one = new Float32Array(DIMENSIONS).fill(1)
  assert.deepEqual(await docs.nearestMany('near', []), [])
  assert.equal((await docs.nearestMany('near', new Set([one, one]))).length, 1)
  for (const vectors of [null, one, 'ab', 4, [[1, '2']], [null]]) {
    throws(() => docs.nearestMany('near', vectors), 'INVALID_ARGUMENT')
  }
  throws(() => docs.nearestMany('near', [one, 7]), 'INVALID_ARGUMENT', { path: 'vectors[1]' })
  throws(() => docs.nearestMany('near', [one, one], { k: 600_000 }), 'INVALID_ARGUMENT', {
    path: 'options.k',
  })
  throws(() => docs.nearestMany('near', Array(10_001).fill(one)), 'INVALID_ARGUMENT')
  await rejects(docs.nearestMany('near', [one, [1, 2]]), 'DIMENSION_MISMATCH', {
    path: 'vectors.1',
  })
  const zeros = new Float32Array(DIMENSIONS)
  await rejects(docs.nearestMany('near', [zeros]), 'INVALID_QUERY', { path: 'vectors.0' })
  await rejects(docs.nearestMany('far', [one]), 'INDEX_NOT_FOUND', { index: 'far' })
})

test('a signal ends many searches, and explain tells of them', async (t) => {
  const random = new Random(seed)
  const { docs } = await filled(t, 'cosine', random, 3000)
  const vectors = random.list(400, () => vectorOf(random, 'cosine'))
  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    return docs.nearestMany('near', vectors, { signal: controller.signal }).toArray()
  }
  assertCode(await untilCancelled(cancelled), 'ABORTED')
  const told = await docs.nearestMany('near', vectors.slice(0, 30), { k: 2 }).explain()
  assert.equal(told.nearest.vectors, 30)
  assert.equal(told.returned, 60)
  assert.ok(told.examinedDocs >= 3000 && told.examinedDocs < 3000 + 100, `${told.examinedDocs}`)
})
