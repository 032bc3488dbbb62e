// Searches in filters ($vector) and pipelines ($vectorSearch).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr, where } from '../../index.js'
import { rejects, temporaryDatabase, throws } from '../support/database'
import { Random, seed } from '../support/random'
import { distancesOf } from './brute-force'

type Context = Parameters<typeof temporaryDatabase>[0]

/** Documents at the points (id, 0). */
async function points(t: Context, count = 40) {
  const db = await temporaryDatabase(t, {
    stores: {
      docs: {
        keyPath: 'id',
        indexes: { byGroup: { on: 'group' } },
        vectors: { near: { on: 'vector', dimensions: 2, metric: 'l2' } },
      },
      other: { keyPath: 'id', vectors: { near: { on: 'vector', dimensions: 2 } } },
    },
  })
  const docs = db.store('docs') as any
  const all = Array.from({ length: count }, (_, id) => ({
    id,
    group: id % 4,
    price: (id * 7) % 10,
    vector: [id, 0],
  }))
  await docs.putMany(all)
  return { db, docs, all }
}

const ids = (found: { id: number }[]) => found.map(({ id }) => id)
const near = (more: object = {}) => ({
  $vector: { index: 'near', query: [10.2, 0], k: 4, ...more },
})

test('$vector finds the nearest of what passes the rest of the filter', async (t) => {
  const { docs } = await points(t)
  assert.deepEqual(ids(await docs.find(near())), [10, 11, 9, 12])
  assert.deepEqual(ids(await docs.find({ ...near(), group: 1 })), [9, 13, 5, 17])
  assert.deepEqual(ids(await docs.find({ $and: [near(), { group: 1 }] })), [9, 13, 5, 17])
  assert.deepEqual(ids(await docs.find(near()).where('group', 1)), [9, 13, 5, 17])
  assert.deepEqual(ids(await docs.find(where(near()).where('group', '<', 2))), [9, 12, 8, 13])
  assert.deepEqual(ids(await docs.find(near({ maxDistance: 0.9 }))), [10, 11])
  assert.equal((await docs.find({ $vector: { index: 'near', query: [0, 0] } })).length, 10)
})

test('a query goes on with what was found as with anything else', async (t) => {
  const { docs, all } = await points(t)
  const query = docs.find({ ...near({ k: 6 }), group: { $ne: 3 } })
  assert.deepEqual(ids(await query), [10, 9, 12, 8, 13, 14])
  assert.deepEqual(ids(await query.skip(1).limit(3)), [9, 12, 8])
  assert.deepEqual(await query.first(), all[10])
  assert.equal(await query.exists(), true)
  assert.equal(await query.count(), 6)
  assert.equal(await query.skip(4).count(), 2)
  assert.equal(await docs.count(near()), 4)
  assert.deepEqual(await query.keys(), [10, 9, 12, 8, 13, 14])
  assert.deepEqual(ids(await query.sort('id')), [8, 9, 10, 12, 13, 14])
  assert.deepEqual(ids(await query.sort('-id').skip(1).limit(2)), [13, 12])
  assert.deepEqual(ids(await query.sort({ price: 1, id: -1 })), [10, 13, 9, 12, 8, 14])
  assert.deepEqual(ids(await query.filter(({ id }: any) => id % 2 === 0).limit(3)), [10, 12, 8])
  assert.deepEqual(await query.select(['id']).limit(2), [{ id: 10 }, { id: 9 }])
  const iterated = []
  for await (const { id } of query) iterated.push(id)
  assert.deepEqual(iterated, [10, 9, 12, 8, 13, 14])
  assert.deepEqual((await docs.findOne({ ...near(), group: 3 })).id, 11)
  assert.equal(await query.sum('price'), 0 + 3 + 4 + 6 + 1 + 8)
  assert.deepEqual((await query.distinct('group')).sort(), [0, 1, 2])
  const first = await query.sort('id').page({ size: 4 })
  assert.deepEqual(ids(first.items), [8, 9, 10, 12])
  assert.deepEqual(
    ids((await query.sort('id').page({ size: 4, after: first.next })).items),
    [13, 14],
  )
  await rejects(query.page({ size: 2 }), 'INVALID_QUERY')
  assert.deepEqual(ids(await docs.find(near()).hint('byGroup')), [10, 11, 9, 12])
})

test('update and delete change the nearest', async (t) => {
  const { docs } = await points(t)
  assert.deepEqual(await docs.find(near()).update({ $set: { seen: true } }), {
    matched: 4,
    modified: 4,
  })
  assert.deepEqual(ids(await docs.find({ seen: true }).sort('id')), [9, 10, 11, 12])
  // What moves away while it is found is not met again.
  await docs.find({ ...near(), seen: true }).update({ $set: { vector: [100, 100], seen: false } })
  assert.deepEqual(ids(await docs.find(near())), [8, 13, 7, 14])
  assert.equal(await docs.find({ ...near({ k: 3 }), group: 2 }).delete(), 3)
  assert.deepEqual(ids(await docs.find({ ...near({ k: 3 }), group: 2 })), [2, 22, 26])
  await rejects(docs.find(near()).delete({ batch: 10 }), 'INVALID_QUERY')
  const upsert = docs.find(near()).update({ $set: { a: 1 } }, { upsert: true })
  await rejects(upsert, 'INVALID_QUERY')
})

test('entries and selections tell distances and scores', async (t) => {
  const { docs, all } = await points(t)
  const query = docs.find({ $vector: { index: 'near', query: [3, 4], k: 2 } })
  assert.deepEqual(await query.entries(), [
    { key: 3, primaryKey: 3, value: all[3], distance: 4, score: 1 / 5 },
    {
      key: 2,
      primaryKey: 2,
      value: all[2],
      distance: Math.sqrt(17),
      score: 1 / (1 + Math.sqrt(17)),
    },
  ])
  const sorted = await query.sort('id').entries()
  assert.deepEqual(
    sorted.map(({ key, distance }: any) => [key, distance]),
    [
      [2, Math.sqrt(17)],
      [3, 4],
    ],
  )
  const score = { $meta: 'vectorSearchScore' }
  const distance = { $meta: 'vectorSearchDistance' }
  assert.deepEqual(await query.limit(1).select({ id: 1, score, distance }), [
    { id: 3, score: 1 / 5, distance: 4 },
  ])
  assert.deepEqual(await query.limit(1).select({ vector: 0, distance }), [
    { id: 3, group: 3, price: 1, distance: 4 },
  ])
  assert.deepEqual(await query.limit(1).select({ score }), [{ ...all[3], score: 1 / 5 }])
  await rejects(docs.find({ group: 1 }).select({ score }).toArray(), 'INVALID_QUERY')
  await rejects(query.select({ score: { $meta: 'textScore' } }).toArray(), 'INVALID_QUERY', {
    path: 'score.$meta',
  })
  await rejects(query.select({ 'a.b': score }).toArray(), 'INVALID_QUERY')
})

test('a prepared query is given its vector when it runs', async (t) => {
  const { docs } = await points(t)
  const { param } = expr
  const query = { index: 'near', query: param('vector'), k: param('k') }
  const prepared = docs.prepare({ $vector: query, group: param('group') })
  assert.deepEqual(
    ids(await prepared.run({ vector: Float32Array.of(5, 0), k: 2, group: 1 })),
    [5, 1],
  )
  assert.deepEqual(ids(await prepared.run({ vector: [20, 0], k: 1, group: 2 })), [18])
  await rejects(prepared.run({ vector: 'a', k: 1, group: 2 }).toArray(), 'INVALID_QUERY', {
    path: '$vector.query',
  })
})

test('explain tells of the search in a query', async (t) => {
  const { docs } = await points(t, 900)
  const query = docs
    .find({ ...near(), group: 1 })
    .sort('id')
    .limit(2)
  const told = await query.explain()
  assert.equal(told.returned, 2)
  assert.deepEqual(told.sort.by, ['id'])
  const because = 'the index is small'
  const form = { index: 'near', metric: 'l2', dimensions: 2 }
  const expected = { ...form, k: 4, method: 'exact', because }
  assert.deepEqual(told.nearest, expected)
  assert.equal(told.plan, 'index byGroup')
  const count = await docs.find(near()).explain()
  assert.equal(count.returned, 4)
  const pipeline = await docs
    .aggregate([
      { $vectorSearch: { index: 'near', queryVector: [1, 1], limit: 3 } },
      { $count: 'n' },
    ])
    .explain()
  assert.deepEqual(pipeline.front.stages, ['$vectorSearch'])
  assert.deepEqual(pipeline.front.nearest, { ...expected, k: 3 })
  const text = await docs.find(near()).explain({ format: 'text' })
  assert.match(text, /the 4 nearest by l2 in vector index near, exact/)
})

test('$vectorSearch begins a pipeline, and $meta tells what it found', async (t) => {
  const { docs } = await points(t)
  const search = (more: object = {}) => ({
    $vectorSearch: { index: 'near', path: 'vector', queryVector: [3, 4], limit: 3, ...more },
  })
  const run = (...stages: object[]) => docs.aggregate(stages).toArray()
  assert.deepEqual(ids(await run(search())), [3, 2, 4])
  const filtered = search({ filter: { group: 0 }, numCandidates: 100, exact: true })
  assert.deepEqual(ids(await run(filtered, { $limit: 2 })), [4, 0])
  assert.deepEqual(ids(await run(search({ filter: where('group', 0) }), { $skip: 1 })), [0, 8])
  // A filter behind it is one of what was found.
  assert.deepEqual(ids(await run(search(), { $match: { group: 0 } })), [4])
  const score = { $meta: 'vectorSearchScore' }
  const distance = { $meta: 'vectorSearchDistance' }
  assert.deepEqual(
    await run(search({ limit: 1 }), { $project: { _id: 0, id: 1, score, distance } }),
    [{ id: 3, score: 1 / 5, distance: 4 }],
  )
  const rows = await run(
    search(),
    { $set: { distance } },
    { $unwind: '$vector' },
    { $match: { vector: { $gt: 0 }, $expr: { $gte: [distance, 4] } } },
    { $lookup: { from: 'docs', localField: 'group', foreignField: 'id', as: 'of' } },
    { $set: { of: { $size: '$of' }, twice: { $multiply: [distance, 2] } } },
    { $sort: { id: 1 } },
    { $project: { _id: 0, id: 1, distance: 1, twice: 1, of: 1 } },
  )
  const far = Math.sqrt(17)
  assert.deepEqual(rows, [
    { id: 2, distance: far, twice: 2 * far, of: 1 },
    { id: 3, distance: 4, twice: 8, of: 1 },
    { id: 4, distance: far, twice: 2 * far, of: 1 },
  ])
  assert.deepEqual(
    await run(search(), { $group: { _id: null, least: { $min: distance }, n: { $sum: 1 } } }),
    [{ _id: null, least: 4, n: 3 }],
  )
  const matched = await run({ $match: { ...near(), group: 1 } }, { $project: { _id: 0, id: 1 } })
  assert.deepEqual(ids(matched), [9, 13, 5, 17])
  assert.deepEqual(
    await docs
      .find(near())
      .groupBy('group', { n: { $count: {} } })
      .sort('group'),
    [
      { group: 0, n: 1 },
      { group: 1, n: 1 },
      { group: 2, n: 1 },
      { group: 3, n: 1 },
    ],
  )
})

test('a search stands where it can be made', async (t) => {
  const { docs, db } = await points(t)
  const search = { $vectorSearch: { index: 'near', queryVector: [1, 1], limit: 3 } }
  const score = { $meta: 'vectorSearchScore' }
  const refused = (stages: object[], path: string, message = /./) =>
    assert.rejects(docs.aggregate(stages).toArray(), { code: 'INVALID_QUERY', path, message })
  const first = /it has to be the first stage/
  await refused([{ $match: { group: 1 } }, search], '1.$vectorSearch', first)
  await refused([search, search], '1.$vectorSearch', first)
  await refused([{ $facet: { a: [search] } }], '0.$facet.a.0.$vectorSearch', first)
  await refused(
    [{ $unionWith: { coll: 'other', pipeline: [search] } }],
    '0.$unionWith.pipeline.0.$vectorSearch',
    first,
  )
  await refused([search, { $match: near() }], '1.$match.$vector')
  const known = /it is known behind \$vectorSearch only/
  await refused([{ $set: { score } }], '0.$set.score.$meta', known)
  await refused([search, { $sort: { id: 1 } }, { $set: { score } }], '2.$set.score.$meta', known)
  await refused([search, { $count: 'n' }, { $set: { score } }], '2.$set.score.$meta', known)
  const union = { $unionWith: { coll: 'other', pipeline: [{ $set: { score } }] } }
  await refused([search, union], '1.$unionWith.pipeline.0.$set.score.$meta', known)
  for (const filter of [
    { $or: [near(), { group: 1 }] },
    { $nor: [near()] },
    { list: { $elemMatch: near() } },
    { $and: [near(), near()] },
    { ...near(), $and: [near()] },
  ]) {
    await rejects(docs.find(filter as any).toArray(), 'INVALID_QUERY')
  }
  await rejects(docs.nearest('near', [1, 1], { where: near() }).toArray(), 'INVALID_QUERY')
  await rejects(docs.find({ group: 1 }).update({ $set: { score } }), 'INVALID_UPDATE')
  await rejects(db.createIndex('docs', 'some', 'price', { where: near() } as any), 'INVALID_QUERY')
})

test('each part of a search is checked', async (t) => {
  const { docs } = await points(t)
  const wrong = (part: object, path: string, code: any = 'INVALID_QUERY') =>
    rejects(docs.find(near(part)).toArray(), code, { path })
  await wrong({ k: 0 }, '$vector.k')
  await wrong({ k: 1.5 }, '$vector.k')
  await wrong({ index: 4 }, '$vector.index')
  await wrong({ maxDistance: Number.NaN }, '$vector.maxDistance')
  await wrong({ exact: 1 }, '$vector.exact')
  await wrong({ ef: 10 }, '$vector.ef')
  await wrong({ query: undefined }, '$vector.query')
  await wrong({ query: [1, 2, 3] }, '$vector.query', 'DIMENSION_MISMATCH')
  await wrong({ query: [1, '2'] }, '$vector.query')
  await wrong({ query: new Uint8Array(2) }, '$vector.query')
  await rejects(docs.find(near({ index: 'far' })).toArray(), 'INDEX_NOT_FOUND', { index: 'far' })
  const stage = (part: object) => [
    { $vectorSearch: { index: 'near', queryVector: [1, 1], limit: 3, ...part } },
  ]
  const wrongStage = (part: object, path: string) =>
    rejects(docs.aggregate(stage(part)).toArray(), 'INVALID_QUERY', { path })
  await wrongStage({ limit: undefined }, '0.$vectorSearch.limit')
  await wrongStage({ numCandidates: 2 }, '0.$vectorSearch.numCandidates')
  await wrongStage({ filter: 3 }, '0.$vectorSearch.filter')
  await wrongStage({ filter: { a: { $gtt: 3 } } }, '0.$vectorSearch.filter.a.$gtt')
  await wrongStage({ path: 'elsewhere' }, 'path')
  await wrongStage({ query: [1, 1] }, '0.$vectorSearch.query')
  await wrongStage({ queryVector: [1, Number.NaN] }, '0.$vectorSearch.queryVector')
  throws(() => docs.find({ $vector: { index: 'near', query: () => 1 } }), 'INVALID_QUERY')
})

test('transactions and snapshots search what they have', async (t) => {
  const { db, docs } = await points(t)
  const snapshot = await db.snapshot()
  await db.transaction(async (tx) => {
    const own = tx.store('docs') as any
    await own.delete(10)
    await own.put({ id: 99, group: 0, price: 0, vector: [10.3, 0] })
    assert.deepEqual(ids(await own.find(near())), [99, 11, 9, 12])
    assert.deepEqual(ids(await own.find(near()).sort('-id')), [99, 12, 11, 9])
    assert.equal(await own.find(near({ k: 3 })).count(), 3)
    const search = { $vectorSearch: { index: 'near', queryVector: [10, 0], limit: 2 } }
    const distance = { $meta: 'vectorSearchDistance' }
    const rows = await own.aggregate([search, { $project: { _id: 0, id: 1, distance } }])
    assert.equal(rows[0].id, 99)
    assert.ok(Math.abs(rows[0].distance - 0.3) < 1e-6)
    assert.deepEqual(await own.find(near({ k: 1 })).update({ $set: { group: 7 } }), {
      matched: 1,
      modified: 1,
    })
    assert.equal((await own.get(99)).group, 7)
  })
  assert.deepEqual(ids(await docs.find(near())), [99, 11, 9, 12])
  const old = snapshot.store('docs') as any
  assert.deepEqual(ids(await old.find(near())), [10, 11, 9, 12])
  assert.deepEqual(ids(await old.find(near()).sort('id')), [9, 10, 11, 12])
  snapshot.close()
})

test(`$vector finds what brute force finds (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const { docs } = await points(t, 0)
  const all = Array.from({ length: 1200 }, (_, id) => ({
    id,
    group: random.below(30),
    price: random.below(50),
    vector: random.chance(0.9) ? [random.below(40), random.below(40)] : undefined,
  }))
  await docs.putMany(all)
  for (let n = 0; n < 40; n++) {
    const query = [random.below(40), random.below(40)]
    const k = random.between(1, 200)
    const group = random.below(30)
    const filter = random.pick([{}, { group }, { group: { $gte: group } }])
    const passing = await docs.find(filter)
    const nearest = distancesOf(passing, 'l2', query)
      .sort((a, b) => a.distance - b.distance || (a.key as number) - (b.key as number))
      .slice(0, k)
      .map(({ key }) => key as number)
    const found = docs.find({ $vector: { index: 'near', query, k }, ...filter })
    assert.deepEqual(ids(await found), nearest)
    assert.equal(await found.count(), nearest.length)
    const bySort = nearest
      .map((key) => all[key]!)
      .sort((a, b) => b.price - a.price || a.id - b.id)
      .map(({ id }) => id)
    assert.deepEqual(ids(await found.sort('-price')), bySort)
    const [skip, limit] = [random.below(10), random.between(1, 20)]
    assert.deepEqual(ids(await found.skip(skip).limit(limit)), nearest.slice(skip, skip + limit))
    const pages = []
    let page = await found.sort('-price').page({ size: 17 })
    pages.push(...ids(page.items))
    while (page.next !== null) {
      page = await found.sort('-price').page({ size: 17, after: page.next })
      pages.push(...ids(page.items))
    }
    assert.deepEqual(pages, bySort)
  }
})
