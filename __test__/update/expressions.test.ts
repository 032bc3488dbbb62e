import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'
import { Updates } from './cases'

test('$set calculates from the document as it was', async (t) => {
  const updates = await Updates.open(t)
  const order = { price: 5, count: 3, items: [{ n: 1 }, { n: 2 }] }
  assert.deepEqual(
    await updates.apply(order, { $set: { total: { $multiply: ['$price', '$count'] } } }),
    {
      ...order,
      total: 15,
    },
  )
  assert.deepEqual(
    await updates.apply({ a: 1, b: 2 }, { $set: { a: { $expr: '$b' }, b: { $expr: '$a' } } }),
    { a: 2, b: 1 },
  )
  assert.deepEqual(
    await updates.apply({ a: 1 }, { $inc: { a: 1 }, $set: { b: { $add: ['$a', 10] } } }),
    { a: 2, b: 11 },
  )
  assert.deepEqual(
    await updates.apply(order, { $set: { 'items.$[].total': { $sum: '$items.n' } } }),
    {
      ...order,
      items: [
        { n: 1, total: 3 },
        { n: 2, total: 3 },
      ],
    },
  )
  assert.equal(await updates.apply({ a: 3 }, { $set: { a: { $add: [1, 2] } } }), undefined)
  const before = Date.now()
  const { at } = await updates.apply({}, { $set: { at: { $expr: '$$NOW' } } })
  assert.ok(at instanceof Date && +at >= before)
})

test('a missing value leaves the field out', async (t) => {
  const updates = await Updates.open(t)
  assert.deepEqual(await updates.apply({ a: 1, b: 2 }, { $set: { a: { $expr: '$x' } } }), { b: 2 })
  assert.equal(await updates.apply({ a: 1 }, { $set: { b: { $expr: '$x' } } }), undefined)
})

test('only an object whose one field is an operator is an expression', async (t) => {
  const updates = await Updates.open(t)
  const values = ['$a', ['$a'], { $add: [1], x: 1 }, { x: { $add: [1, 2] } }, {}]
  for (const value of values) {
    assert.deepEqual(await updates.apply({ a: 1 }, { $set: { b: value } }), { a: 1, b: value })
  }
  const literal = { $literal: { $add: [1, 2] } }
  assert.deepEqual(await updates.apply({}, { $set: { b: literal } }), { b: { $add: [1, 2] } })
  const error = await rejects(
    updates.apply({}, { $set: { 'a.b': { $addd: [1] } } }),
    'INVALID_UPDATE',
  )
  assert.match(error.message, /\$set\.a\.b.*\$addd/)
  // Other operators take values alone.
  assert.deepEqual(await updates.apply({}, { $min: { a: { $add: [1, 2] } } }), {
    a: { $add: [1, 2] },
  })
})

test('an expression that fails changes nothing', async (t) => {
  const updates = await Updates.open(t)
  const secret = 'a secret'
  const failing = [{ $divide: ['$n', 0] }, { $add: ['$s', 1] }, { $add: [1n, 0.5] }]
  for (const expression of failing) {
    const update = { $set: { a: 1, b: expression } }
    const error = await rejects(updates.apply({ n: 1, s: secret }, update), 'EXPRESSION')
    assert.match(error.message, /\$set\.b/)
    assert.ok(!error.message.includes(secret))
  }
})

test('upserts tell expressions whether they insert', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const store: any = db.store('a')
  const update = {
    $set: {
      n: { $cond: [{ $isInsert: {} }, 1, { $add: ['$n', 1] }] },
      key: { $concat: ['key ', '$id'] },
    },
    $setOnInsert: { created: { $expr: '$$NOW' } },
  }
  for (let i = 0; i < 3; i++) await store.update('k', update, { upsert: true })
  const { created, ...rest } = await store.get('k')
  assert.ok(created instanceof Date)
  assert.deepEqual(rest, { id: 'k', n: 3, key: 'key k' })
})

test('calculations of several updates at once lose nothing', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  const store: any = db.store('a')
  await store.put({ n: 0 }, 1)
  const update = { $set: { n: { $add: ['$n', 1] } } }
  const one = Array.from({ length: 100 }, () => store.update(1, update))
  const two = db.transaction(async () => {
    for (let i = 0; i < 50; i++) await store.update(1, update)
  })
  await Promise.all([...one, two])
  assert.deepEqual(await store.get(1), { n: 150 })
})

test('shared objects can be calculated with', async (t) => {
  const updates = await Updates.open(t)
  const shared = { x: 1 }
  const found = await updates.apply(
    { a: shared, b: shared },
    { $set: { c: { $expr: '$b' }, 'a.x': 2 } },
  )
  assert.deepEqual(found, { a: { x: 2 }, b: { x: 1 }, c: { x: 1 } })
  const cycle: any = { name: 'x' }
  cycle.self = cycle
  await rejects(updates.apply(cycle, { $set: { c: { $expr: '$$ROOT' } } }), 'RESOURCE_LIMIT')
  assert.equal((await updates.apply(cycle, { $set: { c: { $expr: '$name' } } })).c, 'x')
})
