// Documents that differ from each other (maximal marginal relevance), and that are like examples.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VectorMetric } from '../../index.js'
import { rejects, temporaryDatabase, throws } from '../support/database'
import { Random, seed } from '../support/random'
import { distanceOf, type Vector } from './brute-force'

type Context = Parameters<typeof temporaryDatabase>[0]

async function store(t: Context, metric: VectorMetric, dimensions = 2) {
  const near = { on: 'vector', dimensions, metric }
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id', vectors: { near } } } })
  return { db, docs: db.store('docs') as any }
}

const keys = (found: { key: unknown }[]) => found.map(({ key }) => key)

/** The score of a distance, as it is documented. */
function scoreOf(metric: VectorMetric, distance: number, dimensions: number): number {
  if (metric === 'l2') return 1 / (1 + distance)
  if (metric === 'dot') return -distance
  return metric === 'cosine' ? 1 - distance : 1 - distance / dimensions
}

/** Maximal marginal relevance by the book. */
function chosen(
  candidates: { key: number; vector: Vector; score: number }[],
  likeness: (one: Vector, other: Vector) => number,
  lambda: number,
  k: number,
): number[] {
  const left = [...candidates]
  const taken: typeof left = []
  while (taken.length < k && left.length > 0) {
    let best = 0
    let most = -Infinity
    for (const [at, candidate] of left.entries()) {
      const like = Math.max(...taken.map(({ vector }) => likeness(vector, candidate.vector)))
      const worth =
        taken.length === 0 ? candidate.score : lambda * candidate.score - (1 - lambda) * like
      if (worth > most + 1e-12) [best, most] = [at, worth]
    }
    taken.push(...left.splice(best, 1))
  }
  return taken.map(({ key }) => key)
}

for (const metric of ['cosine', 'dot', 'l2', 'hamming'] as const) {
  test(`${metric}: mmr chooses by the book (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const dimensions = 16
    const { docs } = await store(t, metric, dimensions)
    const vectorOf = (): Vector =>
      metric === 'hamming'
        ? Uint8Array.of(random.below(256), random.below(256))
        : Float32Array.from({ length: dimensions }, () => random.next() - 0.4)
    const all = Array.from({ length: 600 }, (_, id) => ({ id, vector: vectorOf() }))
    await docs.putMany(all)
    for (let n = 0; n < 12; n++) {
      const query = vectorOf()
      const k = random.between(1, 12)
      const fetchK = k + random.below(60)
      const lambda = random.pick([0, 0.3, 0.5, 0.9, 1])
      const fetched = await docs.nearest('near', query, { k: fetchK })
      const candidates = fetched.map(({ key, score, doc }: any) => ({
        key,
        score,
        vector: doc.vector,
      }))
      const likeness = (one: Vector, other: Vector) =>
        scoreOf(metric, distanceOf(metric, one, other), dimensions)
      const found = await docs.nearest('near', query, { k, mmr: { lambda, fetchK } })
      assert.deepEqual(keys(found), chosen(candidates, likeness, lambda, k))
      for (const hit of found) {
        assert.deepEqual(
          hit,
          fetched.find(({ key }: any) => key === hit.key),
        )
      }
    }
  })
}

test('mmr stands in filters, pipelines and many searches, too', async (t) => {
  const { db, docs } = await store(t, 'l2')
  await docs.putMany([
    { id: 1, vector: [1, 0] },
    { id: 2, vector: [1.01, 0] },
    { id: 3, vector: [1.02, 0] },
    { id: 4, vector: [-2, 0] },
  ])
  const mmr = { lambda: 0.3, fetchK: 4 }
  assert.deepEqual(keys(await docs.nearest('near', [0, 0], { k: 2 })), [1, 2])
  assert.deepEqual(keys(await docs.nearest('near', [0, 0], { k: 2, mmr })), [1, 4])
  assert.deepEqual(keys(await docs.nearest('near', [0, 0], { k: 2, mmr: {} })), [1, 4])
  const $vector = { index: 'near', query: [0, 0], k: 2, mmr }
  assert.deepEqual(await docs.find({ $vector }).keys(), [1, 4])
  assert.deepEqual(await docs.find({ $vector }).sort('-id').keys(), [4, 1])
  assert.deepEqual(await docs.find({ $vector, id: { $ne: 4 } }).keys(), [1, 3])
  const stage = { index: 'near', queryVector: [0, 0], limit: 2, mmr }
  const ids = await docs.aggregate([{ $vectorSearch: stage }, { $project: { _id: 0, id: 1 } }])
  assert.deepEqual(ids, [{ id: 1 }, { id: 4 }])
  const many = await docs.nearestMany(
    'near',
    [
      [0, 0],
      [-3, 0],
    ],
    { k: 2, mmr },
  )
  assert.deepEqual(many.map(keys), [
    [1, 4],
    [4, 3],
  ])
  assert.deepEqual(
    many[1].map(({ distance }: any) => distance),
    [1, Math.fround(1.02) + 3],
  )
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.delete(4)
    assert.deepEqual(keys(await own.nearest('near', [0, 0], { k: 2, mmr })), [1, 3])
  })
  const told = await docs.nearest('near', [0, 0], { k: 2, mmr }).explain()
  assert.deepEqual(told.nearest.mmr, mmr)
  for (const wrong of [
    { lambda: 2 },
    { lambda: Number.NaN },
    { fetchK: 1 },
    { fetchK: 10_001 },
    { diversity: 1 },
    5,
  ]) {
    throws(() => docs.nearest('near', [0, 0], { k: 2, mmr: wrong }), 'INVALID_ARGUMENT')
    await rejects(docs.find({ $vector: { ...$vector, mmr: wrong } }).toArray(), 'INVALID_QUERY')
  }
})

test('recommend finds what is like examples, and not the examples', async (t) => {
  const { docs, db } = await store(t, 'l2')
  await docs.putMany([
    { id: 1, vector: [0, 0] },
    { id: 2, vector: [2, 0] },
    { id: 3, vector: [1, 0.5] },
    { id: 4, vector: [3, 0] },
    { id: 5, vector: [-1, 0] },
    {
      id: 6,
      vector: [
        [50, 50],
        [10, 0],
      ],
    },
    { id: 7 },
  ])
  const recommend = async (examples: object, options?: object) =>
    keys(await docs.recommend('near', examples, options))
  assert.deepEqual(await recommend({ positive: [1, 2] }), [3, 4, 5, 6])
  // The average (1, 0), and as far again from (0, 0).
  assert.deepEqual(await recommend({ positive: [2], negative: [1] }), [4, 3, 5, 6])
  const [hit] = await docs.recommend('near', { positive: [2], negative: [1] }, { k: 1 })
  assert.deepEqual(hit, { key: 4, distance: 1, score: 0.5, doc: { id: 4, vector: [3, 0] } })
  assert.deepEqual(
    await recommend({ positive: [{ vector: [2, 0] }], negative: [1] }, { k: 2 }),
    [4, 2],
  )
  assert.deepEqual(
    await recommend({ positive: new Set([1]) }, { where: { id: { $gt: 3 } }, k: 1 }),
    [5],
  )
  // Of several vectors of a document the average counts.
  assert.deepEqual(await recommend({ positive: [6] }, { k: 1 }), [4])
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.put({ id: 8, vector: [2.5, 0] })
    assert.deepEqual(keys(await own.recommend('near', { positive: [8] }, { k: 1 })), [2])
  })
  const told = await docs.recommend('near', { positive: [1, 2], negative: [5] }).explain()
  assert.deepEqual(told.nearest.examples, { positive: 2, negative: 1 })
})

test('directions and bits have averages of their own', async (t) => {
  const cosine = await store(t, 'cosine')
  await cosine.docs.putMany([
    { id: 1, vector: [100, 0] },
    { id: 2, vector: [0, 1] },
    { id: 3, vector: [1, 1] },
    { id: 4, vector: [5, 1] },
    { id: 5, vector: [-1, 0] },
  ])
  // However long the vectors are.
  const found = await cosine.docs.recommend('near', { positive: [1, 2] }, { k: 1 })
  assert.equal(found[0].key, 3)
  assert.ok(found[0].distance < 1e-12)
  await rejects(cosine.docs.recommend('near', { positive: [1, 5] }), 'INVALID_QUERY')
  const bits = await store(t, 'hamming', 8)
  await bits.docs.putMany([
    { id: 1, vector: Uint8Array.of(0b1111_0000) },
    { id: 2, vector: Uint8Array.of(0b1100_1100) },
    { id: 3, vector: Uint8Array.of(0b1010_1010) },
    { id: 4, vector: Uint8Array.of(0b1110_1000) },
    { id: 5, vector: Uint8Array.of(0b0001_0111) },
  ])
  const like = await bits.docs.recommend('near', { positive: [1, 2, 3] })
  assert.deepEqual(keys(like), [4, 5])
  assert.deepEqual(
    like.map(({ distance }: any) => distance),
    [0, 8],
  )
})

test('examples are checked', async (t) => {
  const { docs } = await store(t, 'l2')
  await docs.putMany([{ id: 1, vector: [0, 0] }, { id: 2 }])
  for (const examples of [
    undefined,
    {},
    { positive: [] },
    { positive: 1 },
    { positive: 'ab' },
    { positive: [1], negative: 4 },
    { positive: [1], neutral: [2] },
    { positive: [{ key: 1 }] },
    { positive: [{ vector: 'x' }] },
  ]) {
    throws(() => docs.recommend('near', examples), 'INVALID_ARGUMENT')
  }
  throws(() => docs.recommend('near', { positive: [true] }), 'INVALID_KEY')
  await rejects(docs.recommend('near', { positive: [1, 9] }), 'NOT_FOUND', {
    store: 'docs',
    index: 'near',
    key: 9,
    path: 'positive.1',
  })
  await rejects(docs.recommend('near', { positive: [1], negative: [2] }), 'INVALID_QUERY', {
    path: 'negative.0',
  })
  const wrong = docs.recommend('near', { positive: [{ vector: [1, 2, 3] }] })
  await rejects(wrong, 'DIMENSION_MISMATCH', { path: 'positive.0' })
  await rejects(docs.recommend('far', { positive: [1] }), 'INDEX_NOT_FOUND')
})
