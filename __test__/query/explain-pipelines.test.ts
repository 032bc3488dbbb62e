// What `explain` tells of pipelines is what they do.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'

const ORDERS = 600
const USERS = 40

async function shop(t: Parameters<typeof temporaryDatabase>[0]) {
  const db = await temporaryDatabase(t, {
    stores: {
      orders: { keyPath: 'id', indexes: { byCity: { on: 'city' } } },
      users: { keyPath: 'id', indexes: { byCountry: { on: 'country' } } },
      totals: { keyPath: 'city' },
    },
  })
  const orders: any = db.store('orders')
  const order = (id: number) => ({ id, city: `city ${id % 7}`, user: id % 50, price: id % 10 })
  await orders.putMany(Array.from({ length: ORDERS }, (_, id) => order(id)))
  const user = (id: number) => ({ id, name: `user ${id}`, country: id % 20 })
  const users: any = db.store('users')
  await users.putMany(Array.from({ length: USERS }, (_, id) => user(id)))
  return { db, orders, users }
}

/** A stage's counts by its name. */
const stageOf = (explained: any, name: string) => {
  const found = explained.stages.find(({ stage }: any) => stage === name)
  assert.ok(found, name)
  return found
}

test('the front is a query, and each stage counts its rows', async (t) => {
  const { orders } = await shop(t)
  const pipeline = orders.aggregate([
    { $match: { city: 'city 3' } },
    { $match: { price: { $gte: 5 } } },
    { $set: { twice: { $multiply: ['$price', 2] } } },
    { $match: { twice: { $gt: 12 } } },
    { $group: { _id: '$price', n: { $count: {} } } },
    { $sort: { n: -1 } },
    { $limit: 2 },
  ])
  const rows = await pipeline
  const explained = await pipeline.explain()
  const ids = Array.from({ length: ORDERS }, (_, id) => id)
  const inCity = ids.filter((id) => id % 7 === 3)
  const dear = inCity.filter((id) => id % 10 >= 5)
  const dearer = dear.filter((id) => (id % 10) * 2 > 12)
  assert.deepEqual(explained.front.stages, ['$match', '$match'])
  assert.equal(explained.front.index, 'byCity')
  assert.equal(explained.front.plan, explained.front.candidates[0].plan)
  assert.equal(explained.front.examinedKeys, inCity.length)
  assert.equal(explained.front.examinedDocs, inCity.length)
  assert.equal(explained.front.returned, dear.length)
  assert.deepEqual(
    explained.stages.map(({ stage, rowsIn, rowsOut, method }: any) => {
      return [stage, rowsIn, rowsOut, method]
    }),
    [
      ['$set', dear.length, dear.length, null],
      ['$match', dear.length, dearer.length, null],
      ['$group', dearer.length, 3, 'hash'],
      ['$sort', 3, 2, 'top-k'],
      ['$limit', 2, 2, null],
    ],
  )
  assert.equal(explained.returned, rows.length)
  assert.equal(explained.examinedKeys, inCity.length)
  assert.equal(explained.examinedDocs, inCity.length)
  assert.equal(explained.output, null)
  assert.ok(explained.millis >= explained.front.millis - 1)
  assert.ok(explained.memory >= stageOf(explained, '$group').memory)
  assert.equal(stageOf(explained, '$set').memory, 0)
})

test('memory is what the stages hold', async (t) => {
  const { orders } = await shop(t)
  const all = await orders
    .aggregate([{ $group: { _id: null, all: { $push: '$$ROOT' } } }, { $unset: 'all' }])
    .explain()
  const one = await orders.aggregate([{ $group: { _id: null, n: { $count: {} } } }]).explain()
  const { memory } = stageOf(all, '$group')
  assert.ok(memory > 50 * ORDERS, `${memory} bytes`)
  assert.ok(stageOf(one, '$group').memory < 1000)
  // What is told is what the limit counts.
  const limited = (memoryLimit: number) =>
    orders.aggregate([{ $group: { _id: null, all: { $push: '$$ROOT' } } }], { memoryLimit })
  assert.equal((await limited(memory)).length, 1)
  await rejects(limited(memory - 1).toArray(), 'RESOURCE_LIMIT')
})

test('joins tell how they find the other documents, and how many they look at', async (t) => {
  const { orders, users } = await shop(t)
  const join = { local: 'user', foreign: 'id', as: 'who' }
  const byKey = stageOf(await orders.find().join('users', join).explain(), '$lookup')
  assert.equal(byKey.method, 'index nested loop')
  // There are 50 values, of which each is looked for once.
  const found = Array.from({ length: 50 }, (_, id) => id).filter((id) => id < USERS)
  assert.deepEqual(byKey.read, {
    store: 'users',
    plan: 'primary key',
    queries: 50,
    examinedKeys: 0,
    examinedDocs: found.length,
  })
  const countries = [
    { $lookup: { from: 'users', localField: 'price', foreignField: 'country', as: 'c' } },
  ]
  const byIndex = stageOf(await orders.aggregate(countries).explain(), '$lookup')
  assert.equal(byIndex.read.plan, 'index byCountry')
  const expected = 10 * (USERS / 20)
  assert.equal(byIndex.read.examinedKeys, expected)
  assert.equal(byIndex.read.examinedDocs, expected)
  const hashed = await users.find().join('orders', { local: 'id', foreign: 'user' }).explain()
  const lookup = stageOf(hashed, '$lookup')
  assert.equal(lookup.method, 'hash join')
  assert.deepEqual(lookup.read, {
    store: 'orders',
    plan: 'full scan',
    queries: 1,
    examinedKeys: 0,
    examinedDocs: ORDERS,
  })
  assert.equal(hashed.examinedDocs, ORDERS + USERS)
  const once = [{ $lookup: { from: 'users', pipeline: [{ $count: 'n' }], as: 'all' } }]
  const same = stageOf(await orders.aggregate(once).explain(), '$lookup')
  assert.deepEqual([same.method, same.read.queries], ['one query for all rows', 1])
  const each = [
    { $limit: 5 },
    {
      $lookup: {
        from: 'users',
        let: { p: '$price' },
        pipeline: [{ $match: { $expr: { $gt: ['$id', '$$p'] } } }],
        as: 'more',
      },
    },
  ]
  const looped = stageOf(await orders.aggregate(each).explain(), '$lookup')
  assert.deepEqual([looped.method, looped.read.examinedDocs], ['nested loop', 5 * USERS])
})

test('a field by which keys cannot be found is no way to join by', async (t) => {
  // To IndexedDB a length may be that of a string, so conditions on it say nothing of keys.
  const db = await temporaryDatabase(t, {
    stores: { words: { keyPath: 'word.length' }, lists: { keyPath: 'id' } },
  })
  const [words, lists]: any[] = [db.store('words'), db.store('lists')]
  await words.putMany(Array.from({ length: 100 }, (_, length) => ({ word: { length } })))
  await lists.putMany(Array.from({ length: 200 }, (_, id) => ({ id, n: id })))
  const join = { from: 'words', localField: 'n', foreignField: 'word.length', as: 'w' }
  const explained = await lists.aggregate([{ $lookup: join }, { $unwind: '$w' }]).explain()
  const { method, read } = stageOf(explained, '$lookup')
  assert.equal(explained.returned, 100)
  assert.deepEqual([method, read.examinedDocs], ['hash join', 100])
})

test('pipelines within stages, unions and outputs are told of', async (t) => {
  const { db, orders } = await shop(t)
  const explained = await orders
    .aggregate([
      { $unionWith: { coll: 'users', pipeline: [{ $match: { id: { $lt: 10 } } }] } },
      { $facet: { few: [{ $limit: 3 }], all: [{ $count: 'n' }] } },
      { $out: 'totals' },
    ])
    .explain()
  const union = stageOf(explained, '$unionWith')
  assert.deepEqual([union.rowsIn, union.rowsOut], [ORDERS, ORDERS + 10])
  assert.deepEqual([union.read.plan, union.read.examinedDocs], ['primary key', 10])
  const { pipelines, rowsIn, rowsOut } = stageOf(explained, '$facet')
  assert.deepEqual([rowsIn, rowsOut], [ORDERS + 10, 1])
  assert.deepEqual(
    [pipelines.few[0].rowsIn, pipelines.few[0].rowsOut, pipelines.all[0].rowsIn],
    [3, 3, ORDERS + 10],
  )
  assert.deepEqual(explained.output, { stage: '$out', store: 'totals' })
  assert.equal(await db.store('totals').count(), 0)
})

test('sorts of queries and stages tell how they sort', async (t) => {
  const { orders } = await shop(t)
  const sortOf = async (query: any) => (await query.explain()).sort
  const by = ['price']
  assert.deepEqual(await sortOf(orders.find().sort('price')), {
    by,
    from: 'a sort',
    method: 'in memory',
  })
  assert.equal((await sortOf(orders.find().sort('price').limit(3))).method, 'top-k')
  assert.equal((await sortOf(orders.find().sort('city'))).method, null)
  const set = { $set: { x: 1 } }
  const whole = await orders.aggregate([set, { $sort: { price: 1 } }]).explain()
  assert.equal(stageOf(whole, '$sort').method, 'in memory')
  const front = await orders.aggregate([{ $sort: { price: 1 } }, { $limit: 3 }]).explain()
  assert.deepEqual([front.front.stages, front.front.sort.method], [['$sort', '$limit'], 'top-k'])
  assert.deepEqual([front.stages, front.returned], [[], 3])
})

test('groupBy explains itself, as a tree of text, in transactions, too', async (t) => {
  const { db, orders } = await shop(t)
  const grouped = orders.find({ city: 'city 1' }).groupBy('price', { n: { $count: {} } })
  const text: string = await grouped.sort('-n').explain({ format: 'text' })
  const lines = text.split('\n')
  assert.match(lines[0]!, /^\d+ rows, of 86 index entries and 86 documents, with \d+ bytes/)
  assert.match(lines[1]!, /^├─ \$match: index byCity$/)
  assert.match(text, /\n├─ \$group \(hash\): 86 in, 10 out, \d+ bytes of memory\n/)
  assert.match(lines.at(-1)!, /^└─ \$sort \(in memory\): 10 in, 10 out/)
  await db.transaction(async () => {
    await orders.delete(1)
    const { returned, front } = await grouped.explain()
    assert.deepEqual([returned, front.returned], [10, 85])
    await rejects(orders.aggregate([{ $foo: 1 }]).explain(), 'INVALID_QUERY')
  })
  await rejects(grouped.explain({ format: 'xml' } as any), 'INVALID_ARGUMENT')
})
