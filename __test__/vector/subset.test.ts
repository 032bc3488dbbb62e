// Searches that ask with the same filter again and again: it is known which vectors pass it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VectorMetric, VectorPrecision } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import { distancesOf, faultOf, type Vector } from './brute-force'
import { isBuilt } from './graphs'

type Context = Parameters<typeof temporaryDatabase>[0]

const DIMENSIONS = 24
const COUNT = 3_000
const GROUPS = 10
/** Searches until it is known: what is found out has to pay, and ends with the next commit. */
const PATIENCE = 500

/** So many candidates that a search by the graph, if it comes to one, misses nothing. */
const efSearch = 4_000

interface Doc {
  id: number
  group: number
  vector?: unknown
}

/** A store with documents, and what a search has to give. */
async function storeOf(
  t: Context,
  random: Random,
  definition: { metric?: VectorMetric; precision?: VectorPrecision } = {},
) {
  const { metric = 'cosine' } = definition
  const db = await temporaryDatabase(t, {
    stores: {
      docs: {
        keyPath: 'id',
        indexes: { byGroup: { on: 'group' } },
        vectors: { near: { on: 'vector', dimensions: DIMENSIONS, ...definition } },
      },
    },
  })
  const docs = db.store('docs') as any
  const vector = (): Vector =>
    metric === 'hamming'
      ? Uint8Array.from({ length: DIMENSIONS / 8 }, () => random.below(256))
      : Float32Array.from({ length: DIMENSIONS }, () => random.next() - 0.5)
  const document = (id: number): Doc => {
    const own = random.chance(0.9) ? vector() : random.list(random.between(0, 3), vector)
    return { id, group: random.below(GROUPS), vector: own }
  }
  const model = new Map<number, Doc>()
  const put = async (to: any, ids: number[]) => {
    const some = ids.map(document)
    for (const doc of some) model.set(doc.id, doc)
    await to.putMany(some)
  }
  await put(
    docs,
    Array.from({ length: COUNT }, (_, id) => id),
  )
  await isBuilt(docs, 'near', vector())
  const where = (most: number) => ({ group: { $lt: most } })
  const check = async (from: any, of: Map<number, Doc>, most: number, k: number) => {
    const query = vector()
    const among = [...of.values()].filter(({ group }) => group < most)
    const found = await from.nearest('near', query, { k, efSearch, where: where(most) })
    assert.equal(faultOf(found, distancesOf(among, metric, query), k), undefined)
    for (const { key, doc } of found) assert.deepEqual(doc, of.get(key))
    return found
  }
  const explain = async (most: number): Promise<any> =>
    (await docs.nearest('near', vector(), { efSearch, where: where(most) }).explain()).nearest
  /** Searches until it is known which vectors pass. */
  const known = async (most: number): Promise<any> => {
    for (let left = PATIENCE; left > 0; left--) {
      await docs.nearest('near', vector(), { efSearch, where: where(most) })
      const told = await explain(most)
      if (typeof told.among === 'number') return told
    }
    throw new Error(`it is not known which vectors pass: ${JSON.stringify(await explain(most))}`)
  }
  const vectorsIn = (most: number) => {
    const passing = [...model.values()].filter(({ group }) => group < most)
    const count = (of: any) => (Array.isArray(of) ? of.length : 1)
    return passing.reduce((sum, { vector: of }) => sum + count(of), 0)
  }
  return { db, docs, model, put, check, explain, known, vector, vectorsIn, where }
}

const KINDS: [VectorMetric, VectorPrecision][] = [
  ['cosine', 'bf16'],
  ['cosine', 'f32'],
  ['cosine', 'i8'],
  ['dot', 'f16'],
  ['l2', 'f32'],
]

for (const [metric, precision] of KINDS) {
  test(`${metric}, ${precision}: a filter that comes again (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const store = await storeOf(t, random, { metric, precision })
    const { docs, model, put, check, known, vectorsIn } = store
    const told = await known(1)
    assert.equal(told.among, vectorsIn(1))
    assert.equal(told.because, 'it is known which vectors pass the filter')
    assert.equal(told.method, "scan of the graph's vectors")
    // As many as there are, and more.
    for (const k of [1, 5, 10, 100, 1000]) await check(docs, model, 1, k)
    // What was known is of no use any more: a hit goes, others come, within the graph and beyond.
    const [first] = await check(docs, model, 1, 1)
    model.delete(first.key)
    await docs.delete(first.key)
    await check(docs, model, 1, 10)
    for (let round = 0; round < 5; round++) {
      await put(
        docs,
        random.list(40, () => random.below(COUNT + 200)),
      )
      const moved = [...model.values()].slice(round * 20, round * 20 + 20)
      for (const doc of moved) model.set(doc.id, { ...doc, group: (doc.group + 1) % GROUPS })
      await docs.putMany(moved.map(({ id }) => model.get(id)))
      for (let time = 0; time < 8; time++) await check(docs, model, 1, 10)
    }
    assert.equal((await known(1)).among, vectorsIn(1))
    for (let time = 0; time < 8; time++) await check(docs, model, 1, 10)
  })
}

test('many vectors at once are searched for among those that pass', async (t) => {
  const random = new Random(seed)
  const { docs, model, known, vector, where } = await storeOf(t, random)
  await known(2)
  const passing = [...model.values()].filter(({ group }) => group < 2)
  const vectors = random.list(40, vector)
  const options = { k: 10, efSearch, where: where(2) }
  const all = await docs.nearestMany('near', vectors, options)
  for (const [at, query] of vectors.entries()) {
    assert.equal(faultOf(all[at], distancesOf(passing, 'cosine', query), 10), undefined)
  }
})

test('snapshots and transactions see their own state', async (t) => {
  const random = new Random(seed)
  const { db, docs, model, put, check, known } = await storeOf(t, random)
  const before = new Map(model)
  const snapshot = (await db.snapshot()) as any
  try {
    await known(2)
    await put(
      docs,
      Array.from({ length: 200 }, (_, id) => id),
    )
    for (let time = 0; time < 20; time++) {
      await check(snapshot.store('docs'), before, 2, 10)
      await check(docs, model, 2, 10)
    }
    await known(2)
    await db.transaction(async (transaction: any) => {
      const own = transaction.store('docs')
      await put(own, [1, 2, 3, 50_000, 50_001])
      for (let time = 0; time < 5; time++) await check(own, model, 2, 10)
    })
    for (let time = 0; time < 20; time++) await check(docs, model, 2, 10)
  } finally {
    snapshot.close()
  }
})

test(`a graph that catches up misses nothing (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const { docs, model, put, check } = await storeOf(t, random)
  for (let round = 0; round < 12; round++) {
    const from = COUNT + round * 700
    await put(
      docs,
      Array.from({ length: 700 }, (_, i) => from + i),
    )
    // While it does, and after that, in one state.
    for (let time = 0; time < 40; time++) await check(docs, model, 1, 20)
  }
})

test('equally near documents come in the order of their keys', async (t) => {
  const random = new Random(seed)
  const { docs, known, vector, where } = await storeOf(t, random)
  const same = vector() as Float32Array
  const some = Array.from({ length: 15 }, (_, i) => ({ id: (i * 7) % 15, group: 0, vector: same }))
  await docs.putMany(some)
  await known(1)
  const found = await docs.nearest('near', same, { k: 15, efSearch, where: where(1) })
  assert.deepEqual(
    found.map(({ key }: any) => key),
    Array.from({ length: 15 }, (_, i) => i),
  )
})

test('examples are left out, and what is too far', async (t) => {
  const random = new Random(seed)
  const { docs, model, known, vector, where } = await storeOf(t, random)
  await known(1)
  const inside = [...model.values()].filter(({ group }) => group < 1)
  const withVectors = inside.filter((doc) => distancesOf([doc], 'cosine', vector()).length > 0)
  for (let time = 0; time < 20; time++) {
    const { id } = random.pick(withVectors)
    const like = await docs.recommend(
      'near',
      { positive: [id] },
      { k: 10, efSearch, where: where(1) },
    )
    assert.ok(like.every(({ key }: any) => key !== id))
    assert.equal(like.length, 10)
    const query = vector()
    const near = distancesOf(inside, 'cosine', query).filter(({ distance }) => distance < 0.8)
    const options = { k: 500, efSearch, maxDistance: 0.8, where: where(1) }
    const found = await docs.nearest('near', query, options)
    assert.equal(faultOf(found, near, 500), undefined)
  }
})
