// Many searches in one call.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { open, type VectorMetric } from '../../index.js'
import { untilCancelled } from '../support/check'
import { rejects, temporaryDatabase, temporaryDirectory, throws } from '../support/database'
import { inThread } from '../support/elsewhere'
import { assertCode } from '../support/errors'
import { Random, seed } from '../support/random'
import { isBuilt } from './graphs'
import { range } from './kept'

type Context = Parameters<typeof temporaryDatabase>[0]

const DIMENSIONS = 24
/** Where a search by the graph costs less than to look at all. */
const WIDE = 384
const PLACES = 8

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
      // The graph may prefer others that are as near.
      const all = await docs.nearestMany('near', vectors, { ...options, exact: true })
      assert.equal(all.length, count)
      for (const [at, vector] of vectors.entries()) {
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
  const search = (store: any) =>
    store.nearestMany('near', vectors, { k: 4, includeVectors: false, exact: true })
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

/** Documents near to one of eight places, enough of them for searches to go by the graph. */
async function inPlaces(t: Context, random: Random) {
  const on = { on: 'vector', dimensions: WIDE, metric: 'l2' as const }
  const stores = { docs: { keyPath: 'id', vectors: { near: on } } }
  const db = await temporaryDatabase(t, { stores, durability: 'relaxed' })
  const docs = db.store('docs') as any
  const places = random.list(PLACES, () => random.list(WIDE, () => random.next() * 4))
  const near = (place = random.below(PLACES)) =>
    Float32Array.from(places[place]!, (one, i) => (i < 8 ? one + random.next() : one))
  const put = (store: any, ids: number[]) =>
    store.putMany(
      ids.map((id) => {
        const [place, group] = [id % PLACES, Math.floor(id / PLACES) % 4]
        return { id, place, group, vector: near(place) }
      }),
    )
  await put(docs, range(0, 6000))
  await isBuilt(docs, 'near', near())
  return { db, docs, near, put }
}

/** Asks for what is near to many vectors: by the graph, which finds nearly all. */
async function checkByGraph(store: any, vectors: Float32Array[], options: object) {
  const search = store.nearestMany('near', vectors, options)
  const { nearest, returned } = await search.explain()
  const { method, vectors: count, exactFor } = nearest
  assert.deepEqual([method, count, exactFor], ['graph', vectors.length, 0], JSON.stringify(nearest))
  assert.ok(nearest.compared >= returned)
  const all = await search
  assert.equal(all.length, vectors.length)
  let [found, wanted] = [0, 0]
  for (const [at, vector] of vectors.entries()) {
    const exact = await store.nearest('near', vector, { ...options, exact: true })
    assert.equal(all[at].length, exact.length)
    const furthest = exact.at(-1)?.distance ?? 0
    wanted += exact.length
    found += all[at].filter(({ distance }: any) => distance <= furthest).length
  }
  assert.ok(found >= wanted * 0.98, `${found} of ${wanted}`)
  return all
}

test(`many searches by the graph find what one finds (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const { docs, near } = await inPlaces(t, random)
  const check = async (count: number, options: object) => {
    const vectors = random.list(count, () => near())
    const all = await checkByGraph(docs, vectors, options)
    for (const [at, vector] of vectors.entries()) {
      assert.deepEqual(all[at], await docs.nearest('near', vector, options), `vector ${at}`)
    }
  }
  await check(300, { k: 10 })
  await check(2, { k: 3, includeVectors: false })
  await check(40, { k: 5, where: { group: { $gt: 0 } } })
  await check(40, { k: 4, maxDistance: 0.8 })
  // What it chooses from is what is compared here.
  const options = { k: 5, mmr: { lambda: 0.7, fetchK: 15 } }
  const vectors = random.list(40, () => near())
  for (const [at, hits] of (await docs.nearestMany('near', vectors, options)).entries()) {
    assert.deepEqual(hits, await docs.nearest('near', vectors[at], options))
  }
  const questions = random.list(2000, () => near())
  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    setImmediate(() => controller.abort())
    const { signal } = controller
    return docs.nearestMany('near', questions, { k: 10, signal }).toArray()
  }
  assertCode(await untilCancelled(cancelled), 'ABORTED')
  const many = await docs.nearestMany('near', [near(), near()], { k: 5000 })
  assert.deepEqual(
    many.map((hits: unknown[]) => hits.length),
    [5000, 5000],
  )
})

test(`many searches by the graph are of one state (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const { db, docs, near, put } = await inPlaces(t, random)
  const vectors = random.list(40, () => near())
  const snapshot = await db.snapshot()
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.delete({ lt: 500 })
    await put(own, range(10_000, 20))
    await checkByGraph(own, vectors, { k: 10 })
    const target = { id: -1, place: 0, group: 0, vector: near() }
    await own.put(target)
    for (const [hit] of await own.nearestMany('near', [target.vector, target.vector], { k: 1 })) {
      assert.deepEqual(hit, { key: -1, distance: 0, score: 1, doc: target })
    }
  })
  await checkByGraph(docs, vectors, { k: 10 })
  await checkByGraph(snapshot.store('docs'), vectors, { k: 10 })
  snapshot.close()
})

test(`where the graph names too few all is looked at (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const { docs, near } = await inPlaces(t, random)
  const options = { k: 3, efSearch: 64, where: { place: { $lt: 6 } } }
  const check = async (vectors: Float32Array[], expected: object) => {
    const search = docs.nearestMany('near', vectors, options)
    const told = (await search.explain()).nearest
    assert.deepEqual({ ...told, ...expected }, told)
    const all = await search
    let missed = 0
    for (const [at, vector] of vectors.entries()) {
      const exact = await docs.nearest('near', vector, { ...options, exact: true })
      if (far.has(vector)) assert.deepEqual(all[at], exact, `vector ${at}`)
      else if (!isDeepStrictEqual(all[at], exact)) missed++
    }
    assert.ok(missed <= 2, `the graph has missed some for ${missed} vectors`)
  }
  const because = 'the graph has named too few that pass the filter'
  const passing = (count: number) => random.list(count, () => near(3))
  const far = new Set<Float32Array>()
  const others = (count: number) => {
    const list = random.list(count, () => near(7))
    for (const vector of list) far.add(vector)
    return list
  }
  // Only for those for which it does.
  await check([...passing(20), ...others(1), ...passing(20)], { method: 'graph', exactFor: 1 })
  await check(others(20), { method: 'exact', because })
  // It is not asked for ever, if it mostly does.
  const mostly = [...passing(10), ...others(32), ...passing(8)]
  await check(mostly, { method: 'graph', exactFor: 40 })
  const often = [...passing(32), ...others(31), ...passing(8)]
  await check(often, { method: 'graph', exactFor: 31 })
  await check(others(40), { method: 'exact', because })
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
    const { signal } = controller
    return docs.nearestMany('near', vectors, { signal, exact: true }).toArray()
  }
  assertCode(await untilCancelled(cancelled), 'ABORTED')
  const told = await docs.nearestMany('near', vectors.slice(0, 30), { k: 2, exact: true }).explain()
  assert.equal(told.nearest.vectors, 30)
  assert.equal(told.returned, 60)
  assert.ok(told.examinedDocs >= 3000 && told.examinedDocs < 3000 + 100, `${told.examinedDocs}`)
})
