// Changing and deleting what a query finds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr } from '../../index.js'
import { documents, rejects } from '../support/database'
import { PEOPLE, storeOf } from './store'

test('update changes what the query finds', async (t) => {
  const { store } = await storeOf(t, PEOPLE, { indexes: { byCity: { on: 'city' } } })
  const londoners = store.find({ city: 'London' })
  const result = await londoners.update({ $inc: { age: 1 }, $set: { 'address.no': 7 } })
  assert.deepEqual(result, { matched: 2, modified: 2 })
  assert.deepEqual(await store.find({ 'address.no': 7 }).sort('id').select('age'), [
    { age: 37 },
    { age: 42 },
  ])
  assert.deepEqual(await londoners.update({ $set: { 'address.no': 7 } }), {
    matched: 2,
    modified: 0,
  })
  assert.deepEqual(await store.find({ city: 'Rome' }).update({ $inc: { age: 1 } }), {
    matched: 0,
    modified: 0,
  })
  // What is changed so that it fits again is not met again.
  assert.equal((await store.find({ age: { $gte: 0 } }).update({ $inc: { age: 100 } })).matched, 5)
  assert.equal(await store.find({ age: { $gt: 200 } }).count(), 0)
})

test('sort, limit and skip say which', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const oldest = store.find({ age: { $exists: true } }).sort('-age')
  assert.deepEqual(await oldest.limit(2).update({ $set: { old: true } }), {
    matched: 2,
    modified: 2,
  })
  assert.deepEqual(await store.find({ old: true }).sort('id').keys(), [3, 4])
  assert.equal(await oldest.skip(1).limit(1).delete(), 1)
  assert.equal(await store.get(3), undefined)
  assert.equal(await store.find().limit(0).delete(), 0)
  assert.equal(await store.query().where('age', '<', 40).delete(), 2)
  assert.deepEqual(await store.find().sort('id').keys(), [1, 4, 5])
})

test('expressions and array filters', async (t) => {
  const { store } = await storeOf(t, [
    { price: 2, n: 3, lines: [{ n: 1 }, { n: 5 }] },
    { price: 4, n: 5 },
  ])
  const total = expr.field('price').times(expr.field('n'))
  await store.find({ price: { $gt: 0 } }).update({ $set: { total, copy: expr.field('n') } })
  assert.deepEqual(await store.find().sort('id').select('total', 'copy'), [
    { total: 6, copy: 3 },
    { total: 20, copy: 5 },
  ])
  await store.update(1, { $set: { total: total.plus(1) } })
  assert.equal((await store.get(1)).total, 21)
  const update = { $set: { 'lines.$[line].large': true } }
  const arrayFilters = [{ 'line.n': { $gt: 2 } }]
  await store.find({ lines: { $exists: true } }).update(update, { arrayFilters })
  assert.deepEqual((await store.get(0)).lines, [{ n: 1 }, { n: 5, large: true }])
})

test('stages are an update, too', async (t) => {
  const { store } = await storeOf(t, [{ a: 1, gone: 1 }, { a: 2 }, { a: 3 }])
  const result = await store
    .find({ a: { $lt: 3 } })
    .update([{ $set: { twice: expr.field('a').times(2) } }, { $unset: 'gone' }])
  assert.deepEqual(result, { matched: 2, modified: 2 })
  assert.deepEqual(await store.find().sort('id'), [
    { id: 0, a: 1, twice: 2 },
    { id: 1, a: 2, twice: 4 },
    { id: 2, a: 3 },
  ])
})

test('all or none, also of many', async (t) => {
  const { store } = await storeOf(t, documents(12_000), {
    indexes: { byName: { on: 'unique', unique: true } },
  })
  assert.equal((await store.find({ group: { $lt: 5 } }).update({ $inc: { n: 1 } })).modified, 6000)
  const same = store.find({ group: 7 }).update({ $set: { unique: 'x', changed: true } })
  await rejects(same, 'UNIQUE_VIOLATION')
  assert.equal(await store.count({ changed: true }), 0)
  await store.put({ id: 11_999, group: 8, text: 'x' })
  await rejects(store.find({ group: 8 }).update({ $inc: { name: 1 } }), 'INVALID_UPDATE')
  assert.equal(await store.count({ group: 8, name: { $type: 'string' } }), 1200)
  assert.equal(await store.find({ group: { $ne: 1 } }).delete(), 10_800)
  assert.equal(await store.count(), 1200)
})

test('in a transaction, with what it has written', async (t) => {
  const { db, store } = await storeOf(t, PEOPLE)
  await assert.rejects(
    db.transaction(async (tx) => {
      const own: any = tx.store('docs')
      await own.put({ id: 9, city: 'London' })
      assert.equal((await own.find({ city: 'London' }).update({ $set: { seen: 1 } })).matched, 3)
      assert.equal(await own.find({ seen: 1 }).count(), 3)
      assert.equal(await own.find({ city: 'Paris' }).delete(), 2)
      assert.equal(await db.outside(() => store.count()), 6)
      throw new Error('undone')
    }),
    /undone/,
  )
  assert.equal(await store.count({ seen: 1 }), 0)
  assert.equal(await store.count(), 6)
  const snapshot = await db.snapshot()
  const old: any = snapshot.store('docs')
  await rejects(old.find().delete(), 'TX_READ_ONLY')
  snapshot.close()
})

test('what cannot stand with a change is refused', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const passing = store.find().filter(() => true)
  await rejects(passing.update({ $set: { a: 1 } }), 'INVALID_QUERY')
  await rejects(passing.delete(), 'INVALID_QUERY')
  const all = store.find()
  await rejects(all.update({ $foo: {} }), 'INVALID_UPDATE')
  await rejects(all.update(), 'INVALID_UPDATE')
  await rejects(all.update({ $set: { a: 1 } }, { upsert: 1 }), 'INVALID_ARGUMENT')
  await rejects(all.update({ $set: { id: 1 } }), 'KEY_IMMUTABLE')
  await rejects(all.update({ $set: { a: () => 1 } }), 'DATA_CLONE')
  await rejects(store.find({ a: { $foo: 1 } }).delete(), 'INVALID_QUERY')
  await rejects(all.signal(AbortSignal.abort()).delete(), 'ABORTED')
  assert.equal(await store.count(), 6)
})
