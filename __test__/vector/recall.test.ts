// What searches by the graph find where its distances tell little, and where it grew slowly.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VectorMetric, VectorPrecision } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import { isBuilt } from './graphs'

type Context = Parameters<typeof temporaryDatabase>[0]

const K = 10

async function storeOf(t: Context, definition: object): Promise<any> {
  const vectors = { near: { on: 'vector', ...definition } }
  const stores = { docs: { keyPath: 'id', indexes: { byGroup: { on: 'group' } }, vectors } }
  return (await temporaryDatabase(t, { stores } as object)).store('docs')
}

/** Which part of the nearest searches find. */
async function recallOf(docs: any, queries: Float32Array[], where?: object): Promise<number> {
  let [found, all] = [0, 0]
  for (const query of queries) {
    const exact = await docs.nearest('near', query, { k: K, where, exact: true })
    const furthest = exact.at(-1).distance
    const hits = await docs.nearest('near', query, { k: K, where })
    assert.equal(hits.length, exact.length)
    found += hits.filter(({ distance }: any) => distance <= furthest).length
    all += exact.length
  }
  return found / all
}

/** Dimensions, what all vectors have in common, and how far they are spread around it. */
const ALIKE: [VectorMetric, VectorPrecision, number, number, number][] = [
  ['l2', 'bf16', 2, 48.86, 0.05],
  ['l2', 'f16', 32, 1_000, 0.5],
  ['l2', 'i8', 32, 1_000, 0.5],
  ['cosine', 'bf16', 32, 20, 0.5],
  ['cosine', 'f16', 32, 500, 0.5],
  ['cosine', 'f32', 32, 20_000, 0.5],
  ['cosine', 'i8', 32, 20, 0.5],
  ['dot', 'bf16', 32, 200, 0.5],
  ['dot', 'f32', 32, 1_000_000, 0.5],
]

for (const [metric, precision, dimensions, common, spread] of ALIKE) {
  const kind = `${metric}, ${precision}, ${dimensions} dimensions`
  test(`vectors that are nearly the same: ${kind} (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const vector = () =>
      Float32Array.from({ length: dimensions }, () => common + (random.next() * 2 - 1) * spread)
    const docs = await storeOf(t, { dimensions, metric, precision })
    await docs.putMany(
      Array.from({ length: 4_000 }, (_, id) => ({ id, group: id % 10, vector: vector() })),
    )
    await isBuilt(docs, 'near', vector())
    const queries = random.list(20, vector)
    assert.ok((await recallOf(docs, queries)) >= 0.99)
    const half = { group: { $lt: 5 } }
    assert.ok((await recallOf(docs, queries, half)) >= 0.99)
    const vectors = queries.slice(0, 5)
    const many = await docs.nearestMany('near', vectors, { k: K })
    const exact = await docs.nearestMany('near', vectors, { k: K, exact: true })
    const distances = (all: any[][]) => all.map((hits) => hits.map(({ distance }) => distance))
    assert.deepEqual(distances(many), distances(exact))
  })
}

test('what is as near by the graph and by the documents is not in doubt', async (t) => {
  const docs = await storeOf(t, { dimensions: 8 })
  const random = new Random(seed)
  const vector = () => Float32Array.from({ length: 8 }, () => random.next() - 0.5)
  const same = vector()
  await docs.putMany(
    Array.from({ length: 3_000 }, (_, id) => ({ id, vector: id < 1_500 ? same : vector() })),
  )
  await isBuilt(docs, 'near', same)
  for (const query of [same, ...random.list(20, vector)]) {
    const { nearest } = await docs.nearest('near', query, { k: K }).explain()
    assert.notEqual(nearest.method, 'exact')
    assert.ok(nearest.compared < 100, String(nearest.compared))
  }
})

test(`a graph that grows slowly is known as well (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const vector = () => Float32Array.from({ length: 128 }, () => random.next() - 0.5)
  const docs = await storeOf(t, { dimensions: 128 })
  const put = async (from: number, count: number) => {
    await docs.putMany(
      Array.from({ length: count }, (_, i) => ({ id: from + i, vector: vector() })),
    )
    await isBuilt(docs, 'near', vector())
  }
  await put(0, 1_000)
  for (let from = 1_000; from < 5_000; from += 31) await put(from, 31)
  // Of vectors that are about equally far from each other few are found by a graph.
  const queries = random.list(20, vector)
  assert.ok((await recallOf(docs, queries)) >= 0.98)
})
