// Pipelines, and the methods of queries that make them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr, open, where } from '../../index.js'
import { collect, documents, rejects, temporaryDatabase, throws } from '../support/database'
import { storeOf } from './store'

const ORDERS = [
  { user: 'a', city: 'Paris', price: 5, n: 2, tags: ['x', 'y'] },
  { user: 'b', city: 'Paris', price: 7, n: 1, tags: ['y'] },
  { user: 'a', city: 'Rome', price: 3, n: 4 },
  { user: 'c', city: 'Rome', price: 9, n: 1, tags: [] },
]

async function shop(t: Parameters<typeof temporaryDatabase>[0]) {
  const db = await temporaryDatabase(t, {
    stores: {
      orders: { keyPath: 'id', indexes: { byCity: { on: 'city' } } },
      users: { keyPath: 'id' },
      totals: { keyPath: 'city' },
    },
  })
  const orders: any = db.store('orders')
  await orders.putMany(ORDERS.map((order, id) => ({ id, ...order })))
  await db.store('users').putMany([
    { id: 'a', name: 'Ada' },
    { id: 'b', name: 'Blaise' },
  ] as any)
  return { db, orders }
}

const BY_CITY = [
  { $group: { _id: '$city', total: { $sum: { $multiply: ['$price', '$n'] } } } },
  { $sort: { _id: 1 } },
]

test('a pipeline is awaited or iterated, and each time read anew', async (t) => {
  const { orders } = await shop(t)
  const totals = orders.aggregate(BY_CITY)
  const expected = [
    { _id: 'Paris', total: 17 },
    { _id: 'Rome', total: 21 },
  ]
  assert.deepEqual(await totals, expected)
  assert.deepEqual(await collect(totals), expected)
  assert.deepEqual(await totals.first(), expected[0])
  assert.equal(await totals.count(), 2)
  assert.deepEqual(await totals.having('total', '>', 20), [expected[1]])
  await orders.put({ id: 9, city: 'Rome', price: 1, n: 1 })
  assert.equal((await totals)[1].total, 22)
  assert.deepEqual(totals.toStages(), BY_CITY)
  assert.equal(await orders.aggregate([]).count(), 5)
})

test('stages take conditions and expressions', async (t) => {
  const { orders } = await shop(t)
  const total = expr.field('price').times(expr.field('n'))
  const rows = await orders.aggregate([
    { $match: where('city', 'Paris').or('user', 'c') },
    { $set: { total } },
    { $match: { $expr: expr.field('total').gt(7) } },
    { $sort: { total: 1 } },
    { $project: { _id: 0, id: 1, total: 1 } },
  ])
  assert.deepEqual(rows, [
    { id: 3, total: 9 },
    { id: 0, total: 10 },
  ])
})

test('groupBy and having read like SQL', async (t) => {
  const { orders } = await shop(t)
  const rows = orders
    .query()
    .where('price', '<', 9)
    .groupBy('city', { orders: { $count: {} }, most: { $max: expr.field('price') } })
  assert.deepEqual(await rows.orderByDesc('most'), [
    { city: 'Paris', orders: 2, most: 7 },
    { city: 'Rome', orders: 1, most: 3 },
  ])
  assert.deepEqual(await rows.having('orders', '>', 1).select('city'), [{ city: 'Paris' }])
  assert.deepEqual(await orders.find().groupBy(['city', 'user']).orderByAsc('city').count(), 4)
  assert.deepEqual(
    await orders
      .find()
      .groupBy({ large: { $gte: ['$price', 7] } })
      .sort('large'),
    [{ large: false }, { large: true }],
  )
  assert.deepEqual(await orders.find().sort('price').limit(2).groupBy('city').sort('-city'), [
    { city: 'Rome' },
    { city: 'Paris' },
  ])
  throws(() => orders.find().groupBy('city', { city: { $count: {} } }), 'INVALID_QUERY')
  throws(() => orders.find().groupBy(['a.x', 'b.x']), 'INVALID_QUERY')
  throws(() => orders.find().groupBy(5), 'INVALID_ARGUMENT')
})

test('join adds the documents of another store', async (t) => {
  const { orders } = await shop(t)
  const joined = orders
    .find({ city: 'Rome' })
    .sort('id')
    .join('users', { local: 'user', foreign: 'id', as: 'buyer' })
  assert.deepEqual(await joined.select(['id', 'buyer']), [
    { id: 2, buyer: [{ id: 'a', name: 'Ada' }] },
    { id: 3, buyer: [] },
  ])
  assert.deepEqual(await joined.having('buyer.name', 'Ada').select({ id: 1 }), [{ id: 2 }])
  assert.equal((await joined.limit(1))[0].buyer[0].name, 'Ada')
  throws(() => orders.find().join('users', { local: 'user' }), 'INVALID_ARGUMENT')
  throws(() => orders.find().join(5, {}), 'INVALID_ARGUMENT')
  await rejects(
    orders.find().join('nowhere', { local: 'a', foreign: 'b' }).toArray(),
    'STORE_NOT_FOUND',
  )
})

test('joins take as long as they need, off the thread', async (t) => {
  const { orders, db } = await shop(t)
  const users: any = db.store('users')
  const many = Array.from({ length: 6000 }, (_, id) => ({ id, user: id % 2 ? 'a' : 'b', n: id }))
  await orders.clear()
  await orders.putMany(many)
  const count = { $set: { n: { $size: '$orders' } } }
  const byTable = users.find().join('orders', { local: 'id', foreign: 'user' }).stages([count])
  assert.deepEqual(await byTable.select(['id', 'n']), [
    { id: 'a', n: 3000 },
    { id: 'b', n: 3000 },
  ])
  const byKey = orders.find().join('users', { local: 'user', foreign: 'id', as: 'who' })
  const names = byKey.stages([{ $sortByCount: '$who.name' }])
  assert.deepEqual(await names, [
    { _id: ['Blaise'], count: 3000 },
    { _id: ['Ada'], count: 3000 },
  ])
  const within = { $facet: { joined: byKey.stages([{ $count: 'n' }]).toStages() } }
  assert.deepEqual(await orders.aggregate([within]), [{ joined: [{ n: 6000 }] }])
})

test('sum, avg, min, max and distinct', async (t) => {
  const { orders } = await shop(t)
  const paris = orders.find({ city: 'Paris' })
  assert.equal(await paris.sum('price'), 12)
  assert.equal(await paris.avg('price'), 6)
  assert.equal(await paris.min('price'), 5)
  assert.equal(await orders.query().max('price'), 9)
  assert.deepEqual((await orders.find().distinct('user')).toSorted(), ['a', 'b', 'c'])
  assert.deepEqual((await orders.find().distinct('tags')).toSorted(), ['x', 'y'])
  const nothing = orders.find({ city: 'Oslo' })
  assert.deepEqual(
    [await nothing.sum('price'), await nothing.avg('price'), await nothing.max('price')],
    [0, undefined, undefined],
  )
  assert.deepEqual(await nothing.distinct('user'), [])
  await rejects(paris.sum(), 'INVALID_ARGUMENT')
  await rejects(paris.filter(() => true).sum('price'), 'INVALID_QUERY')
  throws(() => paris.keys().groupBy('city'), 'INVALID_QUERY')
})

test('$out and $merge write, all or none, and give no rows', async (t) => {
  const { db, orders } = await shop(t)
  const totals: any = db.store('totals')
  const grouped = orders.find().groupBy('city', { n: { $sum: '$n' } })
  assert.deepEqual(await grouped.stages([{ $merge: { into: 'totals' } }]), [])
  assert.deepEqual(await totals.getAll(), [
    { city: 'Paris', n: 3 },
    { city: 'Rome', n: 5 },
  ])
  assert.deepEqual(await collect(grouped.limit(1).stages([{ $out: 'totals' }])), [])
  assert.equal(await totals.count(), 1)
  await db.transaction(async (tx) => {
    const own: any = tx.store('orders')
    await own.clear()
    await own.aggregate([{ $out: 'totals' }])
    assert.equal(await tx.store('totals').count(), 0)
    assert.equal(await db.outside(() => totals.count()), 1)
  })
  assert.equal(await totals.count(), 0)
  await rejects(orders.aggregate([{ $out: 'nowhere' }]).toArray(), 'STORE_NOT_FOUND')
  const snapshot = await db.snapshot()
  await rejects(
    (snapshot.store('orders') as any).aggregate([{ $out: 'totals' }]).toArray(),
    'TX_READ_ONLY',
  )
  snapshot.close()
})

test('a transaction for some stores is not left by stages', async (t) => {
  const { db, orders } = await shop(t)
  const lookup = { $lookup: { from: 'users', localField: 'user', foreignField: 'id', as: 'u' } }
  const pipelines: object[][] = [
    [lookup],
    [{ $facet: { x: [{ $limit: 1 }, lookup] } }],
    [{ $unionWith: 'users' }],
    [{ $unionWith: { coll: 'orders', pipeline: [lookup] } }],
    [{ $out: 'totals' }],
    [{ $merge: { into: 'totals' } }],
  ]
  for (const mode of ['readwrite', 'readonly'] as const) {
    await db.transaction(
      async () => {
        for (const pipeline of pipelines) {
          await rejects(orders.aggregate(pipeline).toArray(), 'INVALID_ARGUMENT')
        }
        assert.equal((await orders.aggregate([{ $unionWith: 'orders' }])).length, 8)
      },
      { stores: 'orders', mode },
    )
  }
  await db.transaction(async () => assert.equal((await orders.aggregate([lookup])).length, 4), {
    stores: ['orders', 'users'],
  })
})

test('a pipeline sees one state, lets it go, and can be ended', async (t) => {
  const { store, db } = await storeOf(t, documents(5000))
  const readers = async () => (await db.stats()).readers
  const before = await readers()
  const rows = store.aggregate([{ $set: { more: { $add: ['$id', 1] } } }])
  let seen = 0
  for await (const { id, more } of rows) {
    assert.equal(more, id + 1)
    if (++seen === 10) await store.delete({ gte: 100 })
    if (seen === 3000) break
  }
  assert.equal(await readers(), before)
  assert.equal(await rows.count(), 100)
  const controller = new AbortController()
  const iterator = rows.signal(controller.signal)[Symbol.asyncIterator]()
  await iterator.next()
  controller.abort()
  await rejects(iterator.next(), 'ABORTED')
  await rejects(rows.signal(controller.signal).toArray(), 'ABORTED')
})

test('a sort goes on beyond the memory limit', async (t) => {
  const { store } = await storeOf(
    t,
    Array.from({ length: 3_000 }, (_, i) => ({ n: (i * 7) % 1_000, text: 'x'.repeat(i % 100) })),
  )
  const stages = [{ $set: { m: { $add: ['$n', 1] } } }, { $sort: { m: -1 } }]
  const sorted = await store.aggregate(stages)
  assert.ok(sorted.every((row: any, i: number) => i === 0 || row.m <= sorted[i - 1].m))
  const small = store.aggregate(stages, { memoryLimit: 50_000 })
  assert.deepEqual(await small, sorted)
  const explained = await small.explain()
  assert.equal(explained.stages.at(-1).method, 'spilled')
  assert.ok(explained.memory <= 50_000)
})

test('what is no pipeline is refused with its place', async (t) => {
  const { store } = await storeOf(t, [{ a: 1 }])
  throws(() => store.aggregate(5), 'INVALID_QUERY')
  throws(() => store.aggregate([], { limit: 5 }), 'INVALID_ARGUMENT', { path: 'options.limit' })
  throws(() => store.aggregate([{ $match: () => true }]), 'INVALID_QUERY')
  await rejects(store.aggregate([{ $foo: 1 }]).toArray(), 'INVALID_QUERY')
  await rejects(store.aggregate([{ $match: { a: { $foo: 1 } } }]).toArray(), 'INVALID_QUERY')
  await rejects(
    store
      .aggregate([{ $group: { _id: '$a', all: { $push: '$$ROOT' } } }], { memoryLimit: 1 })
      .toArray(),
    'RESOURCE_LIMIT',
  )
  const db: any = await open(':memory:', { stores: { s: {} } })
  await db.close()
  throws(() => db.store('s'), 'CLOSED')
})
