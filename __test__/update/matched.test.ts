// `$` in the paths of updates: the element that the filter matched.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'

async function storeOf(t: TestContext): Promise<any> {
  const db = await temporaryDatabase(t, { durability: 'none', stores: { docs: {} } })
  return db.store('docs')
}

/** What an update makes of the document if the filter finds it. */
async function changed(store: any, document: object, filter: object, update: object): Promise<any> {
  await store.put(document, 1)
  const { matched } = await store.find(filter).update(update)
  assert.equal(matched, 1)
  return store.get(1)
}

test('it is the first element that meets the conditions', async (t) => {
  const store = await storeOf(t)
  const apply = (filter: object, update: object, document: object = { a: [1, 2, 3, 2] }) =>
    changed(store, document, filter, update)
  assert.deepEqual(await apply({ a: 2 }, { $set: { 'a.$': 9 } }), { a: [1, 9, 3, 2] })
  assert.deepEqual(await apply({ a: { $gt: 1, $lt: 3 } }, { $inc: { 'a.$': 5 } }), {
    a: [1, 7, 3, 2],
  })
  assert.deepEqual(await apply({ a: { $in: [3, 2] } }, { $unset: { 'a.$': '' } }), {
    a: [1, null, 3, 2],
  })
  assert.deepEqual(await apply({ a: { $elemMatch: { $gt: 2 } } }, { $set: { 'a.$': 0 } }), {
    a: [1, 2, 0, 2],
  })
  assert.deepEqual(await apply({ a: { $all: [2, 3] } }, { $mul: { 'a.$': 10 } }), {
    a: [1, 20, 3, 2],
  })
  assert.deepEqual(await apply({ a: /b/ }, { $set: { 'a.$': 'B' } }, { a: ['a', 'b'] }), {
    a: ['a', 'B'],
  })
})

test('conditions on fields of the elements count, wherever they stand', async (t) => {
  const store = await storeOf(t)
  const items = [
    { id: 1, n: 1, tags: ['x'] },
    { id: 2, n: 1 },
    { id: 2, n: 5, tags: ['y'] },
  ]
  const counted = async (filter: object): Promise<number> => {
    const { o } = await changed(store, { o: { items } }, filter, {
      $set: { 'o.items.$.hit': true },
      $inc: { 'o.items.$.n': 1 },
    })
    const at = o.items.findIndex(({ hit }: { hit?: boolean }) => hit)
    assert.equal(o.items[at].n, items[at].n + 1)
    assert.equal(o.items.filter(({ hit }: { hit?: boolean }) => hit).length, 1)
    return at
  }
  assert.equal(await counted({ 'o.items.id': 2 }), 1)
  assert.equal(await counted({ 'o.items.id': 2, 'o.items.n': { $gt: 1 } }), 2)
  assert.equal(await counted({ $and: [{ 'o.items.id': 2 }, { 'o.items.tags': 'y' }] }), 2)
  assert.equal(await counted({ $or: [{ 'o.items.id': 3 }, { 'o.items.n': 5 }] }), 2)
  assert.equal(await counted({ 'o.items': { $elemMatch: { id: 2, tags: { $exists: true } } } }), 2)
  const either = { $elemMatch: { $or: [{ n: 5 }, { tags: 'x' }] } }
  assert.equal(await counted({ 'o.items': either }), 0)
  assert.equal(await counted({ 'o.items': items[1] }), 1)
  // Negations say nothing of one element.
  assert.equal(await counted({ 'o.items.id': { $gte: 2, $ne: 7 } }), 1)
})

test('every document has its own', async (t) => {
  const store = await storeOf(t)
  await store.putMany(
    [
      [1, { a: [5, 1] }],
      [2, { a: [1, 6, 7] }],
      [3, { a: [1] }],
    ],
    { entries: true },
  )
  const result = await store.find({ a: { $gt: 4 } }).update({ $set: { 'a.$': 0 } })
  assert.deepEqual(result, { matched: 2, modified: 2 })
  assert.deepEqual(await store.getAll(), [{ a: [0, 1] }, { a: [1, 0, 7] }, { a: [1] }])
})

test('batches have it, and what is inserted has no such element', async (t) => {
  const stores = { docs: { autoIncrement: true } } as const
  const db = await temporaryDatabase(t, { durability: 'none', stores })
  const store: any = db.store('docs')
  await store.putMany(Array.from({ length: 5 }, (_, n) => ({ a: [n, 9] })))
  const nines = store.find({ a: 9 })
  const result = await nines.update({ $set: { 'a.$': 8 } }, { batch: 2 })
  assert.deepEqual(result, { matched: 5, modified: 5 })
  assert.deepEqual(await store.get(5), { a: [4, 8] })
  const error = await rejects(
    nines.update({ $set: { 'a.$': 8 } }, { upsert: true }),
    'INVALID_UPDATE',
  )
  assert.match(error.message, /need an array/)
  assert.equal(await store.count(), 5)
})

test('it goes together with other paths and array filters', async (t) => {
  const store = await storeOf(t)
  const document = {
    a: [
      { b: [1, 2], c: 1 },
      { b: [3, 4], c: 2 },
    ],
    n: 0,
  }
  await store.put(document, 1)
  const update = { $inc: { 'a.$.b.$[x]': 10, n: 1 }, $set: { 'a.$[].seen': true } }
  await store.find({ 'a.c': 2 }).update(update, { arrayFilters: [{ x: { $gt: 3 } }] })
  assert.deepEqual(await store.get(1), {
    a: [
      { b: [1, 2], c: 1, seen: true },
      { b: [3, 14], c: 2, seen: true },
    ],
    n: 1,
  })
})

test('elements are found under the collation of the query', async (t) => {
  const store = await storeOf(t)
  const document = { tags: ['b', 'ÄRGER', 'Ärger'], seen: ['äRGER', 'x'] }
  await store.put(document, 1)
  const collation = { locale: 'de', strength: 2 }
  const found = store.find({ tags: 'ärger' }).collation(collation)
  const update = { $set: { 'tags.$': 'first', 'seen.$[s]': 'found' } }
  await found.update(update, { arrayFilters: [{ s: 'ärger' }] })
  const first = { tags: ['b', 'first', 'Ärger'], seen: ['found', 'x'] }
  assert.deepEqual(await store.get(1), first)
  const exact = store.find({ tags: 'Ärger' })
  await exact.update({ $set: { 'tags.$': 'last' } }, { arrayFilters: [] })
  assert.deepEqual(await store.get(1), { ...first, tags: ['b', 'first', 'last'] })
})

test('what it cannot be is refused, and nothing changes', async (t) => {
  const store = await storeOf(t)
  const document = {
    a: [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ],
    b: 1,
  }
  await store.put(document, 1)
  const refused = async (filter: object, update: object, why: RegExp): Promise<void> => {
    const error = await rejects(store.find(filter).update(update), 'INVALID_UPDATE')
    assert.match(error.message, why)
    assert.deepEqual(await store.get(1), document)
  }
  await refused({ b: 1 }, { $set: { 'a.$.x': 0 } }, /asks nothing of the elements of a/)
  await refused({ 'a.x': { $ne: 5 } }, { $set: { 'a.$.x': 0 } }, /asks nothing/)
  await refused({ 'a.x': 1, 'a.y': 2 }, { $set: { 'a.$.x': 0 } }, /\$elemMatch/)
  await refused({ b: 1 }, { $set: { 'b.$': 0 } }, /need an array/)
  await refused({ 'a.x': 1 }, { $set: { 'a.$.b.$': 0 } }, /one \$/)
  await refused({ 'a.x': 1 }, { $rename: { 'a.$.x': 'z' } }, /elements of arrays/)
  const error = await rejects(store.update(1, { $set: { 'a.$': 0 } }), 'INVALID_UPDATE')
  assert.match(error.message, /find\(…\)\.update/)
})
