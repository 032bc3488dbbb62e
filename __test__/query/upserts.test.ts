// Upserts of what a query does not find, as MongoDB's documentation of `upsert` has them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr, where } from '../../index.js'
import { rejects, temporaryDatabase } from '../support/database'
import { assertConsistent } from '../support/check'
import { storeOf } from './store'

const UPSERT = { upsert: true }
const NOTHING = { $set: {} }

/** What `filter` inserts, without its key, in the order of the fields. */
async function inserted(t: any, filter: any, update: any = NOTHING): Promise<string> {
  const db = await temporaryDatabase(t, {
    stores: { docs: { keyPath: 'id', autoIncrement: true } },
  })
  const store: any = db.store('docs')
  const result = await store.find(filter).update(update, UPSERT)
  assert.deepEqual(result, { matched: 0, modified: 0, upserted: 1 })
  const { id, ...rest } = await store.get(1)
  assert.equal(id, 1)
  await assertConsistent(db)
  return JSON.stringify(rest)
}

test('a document is made of the equalities of the filter', async (t) => {
  const cases: [filter: any, document: string][] = [
    [{ a: 1, b: { $eq: 'x' } }, '{"a":1,"b":"x"}'],
    [{ a: null, b: [1, 2], c: { d: 1 } }, '{"a":null,"b":[1,2],"c":{"d":1}}'],
    [{ 'a.b': 1, 'a.c.d': 2, 'list.0': 3 }, '{"a":{"b":1,"c":{"d":2}},"list":{"0":3}}'],
    [{ $and: [{ a: 1 }, { $and: [{ b: { $eq: 2, $gt: 1 } }] }], c: 3 }, '{"a":1,"b":2,"c":3}'],
    [{ a: { $in: [5] }, b: { $all: [6] }, $or: [{ c: 7 }] }, '{"a":5,"b":6,"c":7}'],
    [where('a', 1).where('b', '=', 2).where('c', 'IN', [3]), '{"a":1,"b":2,"c":3}'],
    [JSON.parse('{ "__proto__": 1, "constructor.x": 2 }'), '{"__proto__":1,"constructor":{"x":2}}'],
  ]
  for (const [filter, document] of cases) assert.equal(await inserted(t, filter), document)
})

test('conditions that say no value say nothing', async (t) => {
  const filter = {
    a: { $gt: 1 },
    b: { $in: [1, 2] },
    c: /x/,
    d: { $exists: true },
    e: { $not: { $eq: 1 } },
    f: { $elemMatch: { x: 1 } },
    g: { $in: [/x/] },
    h: { $all: [{ $elemMatch: { $gt: 1 } }] },
    $or: [{ i: 1 }, { j: 1 }],
    $nor: [{ k: 1 }],
    $expr: { $eq: ['$l', 1] },
  }
  assert.equal(await inserted(t, filter, { $set: { set: 1 } }), '{"set":1}')
})

test('the update is that of an insertion', async (t) => {
  const update = {
    $set: { b: 2, 'c.d': 3 },
    $setOnInsert: { made: true },
    $inc: { n: 5, a: 1 },
    $push: { list: 1 },
    $unset: { gone: '' },
  }
  assert.equal(
    await inserted(t, { a: 1, gone: 1, x: { $gt: 0 } }, update),
    '{"a":2,"b":2,"c":{"d":3},"list":[1],"made":true,"n":5}',
  )
  const kind = { $set: { kind: { $cond: [{ $isInsert: {} }, 'new', 'old'] } } }
  assert.equal(await inserted(t, { a: 1 }, kind), '{"a":1,"kind":"new"}')
  const twice = { $set: { twice: expr.field('a').times(2) } }
  assert.equal(await inserted(t, { a: 4 }, twice), '{"a":4,"twice":8}')
  assert.equal(await inserted(t, { a: 4 }, [twice, { $unset: 'a' }]), '{"twice":8}')
  const { store } = await storeOf(t, [{ a: 1 }, { a: 1 }, { a: 2 }])
  const both = { $set: { seen: 1 }, $setOnInsert: { made: true } }
  assert.deepEqual(await store.find({ a: 1 }).update(both, UPSERT), { matched: 2, modified: 2 })
  const first = store.find({ a: 1 }).sort('-id').limit(1)
  assert.deepEqual(await first.update({ $set: { last: 1 } }, UPSERT), { matched: 1, modified: 1 })
  assert.deepEqual(await store.find({ last: 1 }).keys(), [1])
  assert.equal(await store.count({ made: true }), 0)
})

test('keys come from the filter, the update or the generator', async (t) => {
  const set = { $set: { a: 1 } }
  const upsert = async (definition: object, filter: object, update: object = set) => {
    const db = await temporaryDatabase(t, { stores: { docs: definition } })
    const store: any = db.store('docs')
    const { upserted } = await store.find(filter).update(update, UPSERT)
    const [entry] = await store.find().entries()
    assert.deepEqual(entry.primaryKey, upserted)
    await assertConsistent(db)
    return entry
  }
  const { value } = await upsert({ keyPath: 'id' }, { id: 'x', n: { $lt: 1 } })
  assert.deepEqual(value, { id: 'x', a: 1 })
  assert.equal((await upsert({ keyPath: 'id' }, {}, { $setOnInsert: { id: 5n } })).primaryKey, 5)
  const nested = await upsert({ keyPath: 'meta.id', key: 'uuidv7' }, { 'meta.x': 1 })
  assert.match(nested.primaryKey, /^[\da-f-]{36}$/)
  assert.deepEqual(nested.value, { meta: { x: 1, id: nested.primaryKey }, a: 1 })
  assert.deepEqual((await upsert({ keyPath: ['a', 'b'] }, { b: 2 })).primaryKey, [1, 2])
  assert.equal((await upsert({ autoIncrement: true }, { n: 1 })).primaryKey, 1)
  assert.match((await upsert({ key: 'uuidv7' }, { n: 1 })).primaryKey, /^[\da-f-]{36}$/)
  const counted = await upsert({ keyPath: 'id', autoIncrement: true }, { id: 7 })
  assert.equal(counted.primaryKey, 7)
})

test('the generator goes on behind keys that an upsert brought', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { docs: { keyPath: 'id', autoIncrement: true } },
  })
  const store: any = db.store('docs')
  await store.find({ id: 7 }).update(NOTHING, UPSERT)
  assert.equal(await store.put({}), 8)
  assert.equal((await store.find({ a: 1 }).update(NOTHING, UPSERT)).upserted, 9)
  assert.equal(await store.put({}), 10)
})

test('what is taken, or said twice, is an error, and nothing is written', async (t) => {
  const { db, store } = await storeOf(t, [{ a: 1, mail: 'x' }], {
    indexes: { byMail: { on: 'mail', unique: true } },
  })
  const set = { $set: { n: 1 } }
  await rejects(store.find({ id: 0, a: 2 }).update(set, UPSERT), 'KEY_EXISTS', { key: 0 })
  await rejects(store.find({ id: 9, mail: 'x', a: 2 }).update(set, UPSERT), 'UNIQUE_VIOLATION')
  await rejects(store.find({ a: 9 }).update(set, UPSERT), 'INVALID_KEY')
  await rejects(store.find({ id: { $eq: {} } }).update(set, UPSERT), 'INVALID_KEY')
  const other = { $set: { id: 6 } }
  await rejects(store.find({ id: 5 }).update(other, UPSERT), 'KEY_IMMUTABLE')
  await rejects(store.find({ id: 5 }).update({ $unset: { id: '' } }, UPSERT), 'KEY_IMMUTABLE')
  const path = '$and.1.a'
  const twice = { id: 5, $and: [{ a: 7 }, { a: 7 }] }
  await rejects(store.find(twice).update(set, UPSERT), 'INVALID_QUERY', { path })
  await rejects(store.find({ 'b.c': 1, b: {} }).update(set, UPSERT), 'INVALID_QUERY')
  // Where documents are found nothing has to be made.
  const found = { $and: [{ a: 1 }, { a: 1 }] }
  assert.equal((await store.find(found).update({ $set: { m: 1 } }, UPSERT)).matched, 1)
  await rejects(store.find({ id: 5, n: 'x' }).update({ $inc: { n: 1 } }, UPSERT), 'INVALID_UPDATE')
  await rejects(store.find({ id: 5 }).skip(1).update(set, UPSERT), 'INVALID_QUERY')
  await rejects(store.find({ id: 5 }).limit(0).update(set, UPSERT), 'INVALID_QUERY')
  const batch = { ...UPSERT, batch: 5 }
  await rejects(store.find({ id: 5 }).update(set, batch), 'INVALID_ARGUMENT')
  assert.deepEqual(await store.find(), [{ id: 0, a: 1, mail: 'x', m: 1 }])
  const out = await temporaryDatabase(t, { stores: { docs: {} } })
  await rejects((out.store('docs') as any).find({ a: 1 }).update(set, UPSERT), 'INVALID_KEY')
  await assertConsistent(db)
})

test('of many writers one inserts', async (t) => {
  const { db, store } = await storeOf(t, [])
  const count = { $inc: { n: 1 }, $setOnInsert: { id: 1 } }
  const upserts = Array.from({ length: 50 }, () => store.find({ name: 'x' }).update(count, UPSERT))
  const results = await Promise.all(upserts)
  assert.equal(results.filter(({ upserted }) => upserted === 1).length, 1)
  assert.deepEqual(await store.find(), [{ id: 1, n: 50, name: 'x' }])
  await assert.rejects(
    db.transaction(async (tx) => {
      const own: any = tx.store('docs')
      assert.equal((await own.find({ id: 2 }).update(NOTHING, UPSERT)).upserted, 2)
      assert.deepEqual(await own.get(2), { id: 2 })
      throw new Error('undone')
    }),
    /undone/,
  )
  assert.equal(await store.count(), 1)
})
