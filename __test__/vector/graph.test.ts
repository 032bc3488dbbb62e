// Searches by the graph of a vector index.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VectorMetric, VectorPrecision } from '../../index.js'
import { rejects, temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import { distancesOf, type Vector } from './brute-force'
import { clustered } from './clustered'
import { graphOf, isBuilt } from './graphs'
import { MAPPED, unlessSealed } from '../support/sealed'

type Context = Parameters<typeof temporaryDatabase>[0]

const DIMENSIONS = 32
const CLUSTERS = 20

interface Definition {
  metric?: VectorMetric
  precision?: VectorPrecision
  m?: number
  efConstruction?: number
  efSearch?: number
  memoryLimit?: number
}

/** Makes vectors that lie in clusters. */
const vectorsIn = (random: Random, metric: VectorMetric) =>
  clustered(random, { dimensions: DIMENSIONS, clusters: CLUSTERS, metric })

async function storeOf(t: Context, definition: Definition, options: object = {}) {
  const db = await temporaryDatabase(t, {
    ...options,
    stores: {
      docs: {
        keyPath: 'id',
        indexes: { byGroup: { on: 'group' } },
        vectors: { near: { on: 'vector', dimensions: DIMENSIONS, ...definition } },
      },
    },
  })
  return { db, docs: db.store('docs') as any }
}

/** Documents by key, as brute force sees them. */
type Model = Map<number, { id: number; group: number; vector?: unknown }>

/** The share of the nearest that searches find; everything else has to be exact. */
async function recallOf(
  docs: any,
  model: Model,
  metric: VectorMetric,
  [queries, options]: [Vector[], { k: number; group?: number; efSearch?: number }],
): Promise<number> {
  const { k, group, efSearch } = options
  const among = [...model.values()].filter((doc) => group === undefined || doc.group < group)
  const where = group === undefined ? undefined : { group: { $lt: group } }
  let [hits, all] = [0, 0]
  for (const query of queries) {
    const expected = distancesOf(among, metric, query)
    const distances = new Map(expected.map(({ key, distance }) => [key, distance]))
    const found = await docs.nearest('near', query, { k, where, efSearch })
    assert.equal(found.length, Math.min(k, expected.length), 'as many as there are')
    const furthest = expected[found.length - 1]?.distance ?? 0
    let before = { key: -1, distance: -Infinity }
    for (const { key, distance, doc } of found) {
      const own = distances.get(key)
      assert.ok(own !== undefined, `${key} has to be there`)
      assert.ok(Math.abs(own - distance) < 1e-9, `${key}: ${distance}, not ${own}`)
      assert.deepEqual(doc, model.get(key))
      const isNext = distance === before.distance ? key > before.key : distance > before.distance
      assert.ok(isNext, 'in order')
      if (distance <= furthest + 1e-9) hits++
      before = { key, distance }
    }
    all += found.length
  }
  return all === 0 ? 1 : hits / all
}

const KINDS: [VectorMetric, VectorPrecision, number][] = [
  ['cosine', 'bf16', 0.99],
  ['cosine', 'i8', 0.98],
  ['dot', 'f16', 0.98],
  ['l2', 'f32', 0.99],
  ['hamming', 'b1', 0.98],
]

for (const [metric, precision, least] of KINDS) {
  test(`${metric}, ${precision}: what is near is found (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const { docs } = await storeOf(t, { metric, precision })
    const vector = vectorsIn(random, metric)
    const model: Model = new Map()
    const put = async (ids: number[]) => {
      const several = () => random.list(random.between(1, 3), vector)
      const some = ids.map((id) => {
        const group = random.below(100)
        return { id, group, vector: random.chance(0.9) ? vector() : several() }
      })
      for (const doc of some) model.set(doc.id, doc)
      await docs.putMany(some)
    }
    await put(Array.from({ length: 6000 }, (_, id) => id))
    await isBuilt(docs, 'near', vector())
    // One search of many ends among vectors far from the nearest, and finds none of these.
    const queries = random.list(160, vector)
    const recall = (options: { k: number; group?: number }) =>
      recallOf(docs, model, metric, [queries, options])
    const check = async (options: { k: number; group?: number }, when: string) => {
      const share = await recall(options)
      assert.ok(share >= least, `${when}, ${JSON.stringify(options)}: ${share}`)
    }
    await check({ k: 10 }, 'at first')
    // Half of them change or go; some come, and the graph need not have any of it.
    await put(random.list(2000, () => random.below(6000)))
    const gone = [...new Set(random.list(1500, () => random.below(6000)))]
    await docs.deleteMany(gone)
    for (const id of gone) model.delete(id)
    await put(Array.from({ length: 300 }, (_, i) => 6000 + i))
    await check({ k: 10 }, 'right after changes')
    await isBuilt(docs, 'near', vector())
    await check({ k: 10 }, 'after changes')
    for (const group of [50, 10, 1, 0]) await check({ k: 10, group }, 'filtered')
    await check({ k: 100, group: 50 }, 'many')
  })
}

test('it is told how a search is answered', async (t) => {
  const random = new Random(seed)
  const { db, docs } = await storeOf(t, {})
  const vector = vectorsIn(random, 'cosine')
  const documents = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: from + i, group: i % 100, vector: vector() }))
  await docs.putMany(documents(0, 100))
  const explain = async (options?: object) =>
    (await docs.nearest('near', vector(), options).explain()).nearest
  assert.deepEqual(await explain(), {
    index: 'near',
    metric: 'cosine',
    dimensions: DIMENSIONS,
    k: 10,
    method: 'exact',
    because: 'the index is small',
  })
  await docs.putMany(documents(100, 5000))
  await isBuilt(docs, 'near', vector())
  const graph = await explain()
  assert.equal(graph.method, 'graph')
  assert.match(graph.because, /^it takes about \d.* ms, and to look at all documents \d/)
  assert.equal(graph.inGraph, 5100)
  assert.equal(graph.notInGraph, 0)
  assert.ok(graph.memory > 5100 * DIMENSIONS * 2)
  assert.equal((await explain({ exact: true })).because, 'it was asked for')
  assert.equal((await explain({ efSearch: 200 })).efSearch, 200)
  assert.match((await explain({ where: { group: 7 } })).because, /^it takes about/)
  assert.equal((await explain({ where: { id: 7 } })).because, 'the filter names a primary key')
  assert.equal((await explain({ k: 5000 })).method, 'exact')
  const text = await docs.nearest('near', vector()).explain({ format: 'text' })
  assert.match(text, /graph: \d+ candidates, 0 labels not in it yet, since it takes about/)
  // In a transaction all of it holds, and what it has written is found.
  await db.transaction(async (tx: any) => {
    const target = vector()
    await tx.store('docs').put({ id: -1, group: 3, vector: target })
    const [first] = await tx.store('docs').nearest('near', target, { k: 1 })
    assert.equal(first.key, -1)
    const told = await tx.store('docs').nearest('near', target).explain()
    assert.equal(told.nearest.method, 'graph')
    assert.equal(told.nearest.notInGraph, 1)
  })
})

test('a snapshot is searched as it is', async (t) => {
  const random = new Random(seed)
  const { db, docs } = await storeOf(t, { metric: 'l2', precision: 'f32' })
  const vector = vectorsIn(random, 'l2')
  const model: Model = new Map()
  const put = async (ids: number[]) => {
    const some = ids.map((id) => ({ id, group: 0, vector: vector() }))
    for (const doc of some) model.set(doc.id, doc)
    await docs.putMany(some)
  }
  await put(Array.from({ length: 3000 }, (_, id) => id))
  await isBuilt(docs, 'near', vector())
  const snapshot = await db.snapshot()
  const before: Model = new Map(model)
  const ids = [...model.keys()]
  for (const id of ids.filter((each) => each % 2 === 0)) model.delete(id)
  await docs.deleteMany(ids.filter((each) => each % 2 === 0))
  await put(ids.filter((each) => each % 3 === 0))
  const queries = random.list(20, vector)
  // These notice that vectors are gone.
  assert.ok((await recallOf(docs, model, 'l2', [queries, { k: 10 }])) > 0.98)
  await isBuilt(docs, 'near', vector())
  assert.ok((await recallOf(docs, model, 'l2', [queries, { k: 10 }])) > 0.98)
  const old = snapshot.store('docs')
  assert.ok((await recallOf(old, before, 'l2', [queries, { k: 10 }])) > 0.98)
  snapshot.close()
})

test('the arithmetic of JavaScript stays as it is', async (t) => {
  const random = new Random(seed)
  const { docs } = await storeOf(t, {})
  const vector = vectorsIn(random, 'cosine')
  await docs.putMany(Array.from({ length: 1500 }, (_, id) => ({ id, group: 0, vector: vector() })))
  await isBuilt(docs, 'near', vector())
  await docs.nearest('near', vector())
  // Libraries of vectors may tell the processor to take subnormal numbers for zero.
  const least = Number.MIN_VALUE
  const halved = [2 ** -1022, 2 ** -1000].map((number) => number / 2 ** random.between(1, 20))
  assert.ok(halved.every((number) => number > 0))
  assert.equal(least + least, 1e-323)
})

test('maxDistance leaves out what is further away, and little else', async (t) => {
  const random = new Random(seed)
  const { docs } = await storeOf(t, { metric: 'l2' })
  const vector = vectorsIn(random, 'l2')
  const documents = Array.from({ length: 3000 }, (_, id) => ({ id, group: 0, vector: vector() }))
  await docs.putMany(documents)
  await isBuilt(docs, 'near', vector())
  let [found, wanted] = [0, 0]
  for (let n = 0; n < 20; n++) {
    const query = vector()
    const all = distancesOf(documents, 'l2', query)
    const maxDistance = all[n]!.distance + 1e-9
    const hits = await docs.nearest('near', query, { k: 15, maxDistance })
    assert.ok(hits.every((hit: any) => hit.distance <= maxDistance))
    found += hits.length
    wanted += Math.min(15, n + 1)
  }
  assert.ok(found <= wanted && found >= wanted * 0.97, `${found} of ${wanted}`)
})

test('a filter that nothing passes finds nothing', async (t) => {
  const random = new Random(seed)
  const { docs } = await storeOf(t, {})
  const vector = vectorsIn(random, 'cosine')
  await docs.putMany(Array.from({ length: 6000 }, (_, id) => ({ id, group: 0, vector: vector() })))
  await isBuilt(docs, 'near', vector())
  const everything = { $nor: [{ $nor: [{}] }] }
  const search = (where: object) => docs.nearest('near', vector(), { where, efSearch: 16 })
  assert.equal((await search(everything).explain()).nearest.method, 'graph')
  assert.equal((await search(everything)).length, 10)
  for (const nothing of [{ $nor: [{}] }, { $and: [{ $nor: [everything] }] }]) {
    assert.deepEqual(await search(nothing), [])
  }
})

test('beyond its memory limit there is no graph', async (t) => {
  const random = new Random(seed)
  const { docs } = await storeOf(t, { memoryLimit: 100_000 })
  const vector = vectorsIn(random, 'cosine')
  const put = (from: number) =>
    docs.putMany(
      Array.from({ length: 3000 }, (_, i) => ({ id: from + i, group: 0, vector: vector() })),
    )
  await put(0)
  const told = await graphOf(
    () => docs.nearest('near', vector()).explain(),
    ({ because }) => because?.startsWith('there is no graph') ?? false,
  )
  assert.equal(told.because, 'there is no graph: it would take more memory than memoryLimit')
  assert.equal((await docs.nearest('near', vector())).length, 10)
})

test('what a graph takes is measured', unlessSealed(MAPPED), async (t) => {
  const random = new Random(seed)
  const vector = vectorsIn(random, 'cosine')
  const documents = Array.from({ length: 5000 }, (_, id) => ({ id, group: 0, vector: vector() }))
  const { docs } = await storeOf(t, {})
  await docs.putMany(documents)
  const { memory, mapped } = await isBuilt(docs, 'near', vector())
  assert.equal(mapped, 0)
  // More than it was thought to take, and less than it does.
  const memoryLimit = Math.round(memory! * 0.95)
  const explain = (store: any) => () => store.nearest('near', vector()).explain()
  // Vectors stay in the file, or else there is no graph.
  const bounded = (await storeOf(t, { memoryLimit })).docs
  await bounded.putMany(documents)
  const told = await isBuilt(bounded, 'near', vector())
  assert.ok(told.memory! <= memoryLimit && told.mapped! > 0)
  const sealed = (await storeOf(t, { memoryLimit }, { encryption: { key: Buffer.alloc(32) } })).docs
  await sealed.putMany(documents)
  const none = await graphOf(explain(sealed), ({ because = '' }) =>
    because.startsWith('there is no'),
  )
  assert.equal(none.because, 'there is no graph: it would take more memory than memoryLimit')
})

for (const precision of ['bf16', 'f32'] as const) {
  test(`${precision}: more is asked for where much of what a graph names is gone`, async (t) => {
    const random = new Random(seed)
    const vector = vectorsIn(random, 'cosine')
    const { docs } = await storeOf(t, { precision })
    await docs.putMany(
      Array.from({ length: 5000 }, (_, id) => ({ id, group: 0, vector: vector() })),
    )
    const target = vector()
    const { candidates } = await isBuilt(docs, 'near', target)
    const told = async () => (await docs.nearest('near', target).explain()).nearest
    assert.equal((await told()).candidates, candidates)
    // Those that are left would be enough to be compared, but hardly the nearest of all.
    const k = Math.floor(candidates! * 0.65)
    const nearest = await docs.nearest('near', target, { k, exact: true })
    await docs.deleteMany(nearest.map(({ key }: any) => key))
    const first = await told()
    assert.equal(first.method, 'graph')
    assert.ok(first.candidates! > candidates!, `${first.candidates}, not more than ${candidates}`)
    // Now it is known.
    assert.equal((await told()).candidates, candidates)
    const expected = await docs.nearest('near', target, { exact: true })
    assert.deepEqual(await docs.nearest('near', target), expected)
  })
}

test('what a graph is like is checked, kept, and exported', async (t) => {
  const definition = { precision: 'i8', m: 24, efConstruction: 64, efSearch: 100 } as const
  const { db } = await storeOf(t, { ...definition, memoryLimit: 1e9 })
  const wrong = [
    [{ precision: 'f8' }, 'precision'],
    [{ precision: 'b1' }, 'precision'],
    [{ metric: 'hamming', precision: 'f32' }, 'precision'],
    [{ m: 3 }, 'm'],
    [{ efSearch: 7 }, 'efSearch'],
    [{ efConstruction: 1e6 }, 'efConstruction'],
    [{ memoryLimit: -1 }, 'memoryLimit'],
  ] as const
  for (const [fields, name] of wrong) {
    const options = { dimensions: 8, ...fields } as any
    await rejects(db.createVectorIndex('docs', 'other', 'other', options), 'INVALID_ARGUMENT', {
      path: `options.${name}`,
    })
  }
  await db.createVectorIndex('docs', 'plain', 'plain', { dimensions: 8, metric: 'hamming' })
  const { stores } = (await db.diagnostics()) as any
  const graphs = stores[0].vectors.map(
    ({ precision, m, efConstruction, efSearch, memoryLimit }: any) => ({
      ...{ precision, m, efConstruction, efSearch, memoryLimit },
    }),
  )
  assert.deepEqual(graphs, [
    { ...definition, memoryLimit: 1e9 },
    { precision: 'b1', m: 16, efConstruction: 128, efSearch: null, memoryLimit: 2 ** 31 },
  ])
})
