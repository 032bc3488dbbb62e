import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRange } from '../../index.js'
import { collect, rejects, temporaryDatabase, throws } from '../support/database'

interface Person {
  id: number
  name?: string | null
  age?: number
  city?: string
  tags?: unknown
}

const people: Person[] = [
  { id: 1, name: 'Ann', age: 30, city: 'Paris', tags: ['a', 'b'] },
  { id: 2, name: 'Bob', age: 20, city: 'Paris', tags: ['b', 'b', 'c'] },
  { id: 3, name: 'Cid', age: 30, city: 'Lima', tags: 'b' },
  { id: 4, name: null, age: 25, city: 'Lima', tags: [] },
  { id: 5, age: 40, city: 'Paris' },
]

const indexes = {
  byName: { on: 'name' },
  byAge: { on: 'age' },
  byAgeDown: { on: '-age' },
  byCityAge: { on: ['city', '-age'] },
  byTag: { on: 'tags', multiEntry: true },
  byTags: { on: 'tags' },
  named: { on: 'name', sparse: true },
} as const

async function peopleStore(t: Parameters<typeof temporaryDatabase>[0]) {
  const db = await temporaryDatabase(t, { stores: { people: { keyPath: 'id', indexes } } })
  const store = db.store<Person, number>('people')
  await store.putMany(people)
  return { db, store }
}

test('an index reads documents and primary keys by its keys', async (t) => {
  const { store } = await peopleStore(t)
  const byAge = store.index('byAge')
  assert.deepEqual(await byAge.get(30), people[0])
  assert.equal(await byAge.get(31), undefined)
  assert.equal(await byAge.getKey(30), 1)
  assert.equal(await byAge.getKey({ gt: 100 }), undefined)
  assert.deepEqual(await byAge.getAll(30), [people[0], people[2]])
  assert.deepEqual(await byAge.getAllKeys(), [2, 4, 1, 3, 5])
  assert.deepEqual(await byAge.getAllKeys({ gte: 25, lt: 40, reverse: true }), [3, 1, 4])
  assert.deepEqual(await byAge.getAllKeys(KeyRange.upperBound(30, true)), [2, 4])
  assert.deepEqual(await byAge.getAllKeys(undefined, { limit: 2, offset: 1 }), [4, 1])
  assert.deepEqual(await byAge.getAllKeys({ unique: true }), [2, 4, 1, 5])
  assert.deepEqual(await byAge.getAllKeys({ unique: true, reverse: true }), [5, 1, 4, 2])
  assert.equal(await byAge.count(), 5)
  assert.equal(await byAge.count(30), 2)
  assert.equal(await byAge.count({ lt: 30 }), 2)
})

test('an index iterates over documents, keys and entries', async (t) => {
  const { store } = await peopleStore(t)
  const byAge = store.index('byAge')
  assert.deepEqual(await collect(byAge.range({ gt: 25 })), [people[0], people[2], people[4]])
  assert.deepEqual(await collect(byAge.keys({ limit: 3 })), [2, 4, 1])
  assert.deepEqual(await byAge.entries(20).toArray(), [
    { key: 20, primaryKey: 2, value: people[1] },
  ])
  assert.equal((await collect(byAge)).length, 5)
})

test('an index describes itself', async (t) => {
  const { store } = await peopleStore(t)
  assert.deepEqual(store.indexNames, Object.keys(indexes).toSorted())
  const byCityAge = store.index('byCityAge')
  assert.deepEqual([byCityAge.name, byCityAge.storeName], ['byCityAge', 'people'])
  assert.deepEqual(byCityAge.on, ['city', '-age'])
  assert.equal(store.index('byAgeDown').on, '-age')
  assert.equal(store.index('byTag').multiEntry, true)
  assert.equal(store.index('named').sparse, true)
  assert.equal(byCityAge.unique, false)
  assert.equal(byCityAge.state, 'ready')
  throws(() => store.index('byNothing'), 'INDEX_NOT_FOUND', { store: 'people', index: 'byNothing' })
})

test('missing and null are keys before all others, unless the index is sparse', async (t) => {
  const { store } = await peopleStore(t)
  assert.deepEqual(await store.index('byName').getAllKeys(), [4, 5, 1, 2, 3])
  assert.deepEqual(await store.index('byName').getAllKeys(null), [4, 5])
  assert.deepEqual(await store.index('named').getAllKeys(), [4, 1, 2, 3])
})

test('descending parts turn the order round; ranges go by the order of the values', async (t) => {
  const { store } = await peopleStore(t)
  assert.deepEqual(await store.index('byAgeDown').getAllKeys(), [5, 1, 3, 4, 2])
  assert.deepEqual(await store.index('byAgeDown').getAllKeys({ gte: 30 }), [5, 1, 3])
  const byCityAge = store.index('byCityAge')
  assert.deepEqual(await byCityAge.getAllKeys(), [3, 4, 5, 1, 2])
  assert.deepEqual(await byCityAge.getAllKeys(['Paris']), [5, 1, 2])
  assert.deepEqual(await byCityAge.getAllKeys({ gte: ['Paris', 30], lte: ['Paris'] }), [5, 1])
  assert.deepEqual(await byCityAge.get(['Lima', 25]), people[3])
  const [first] = await byCityAge.entries({ limit: 1 }).toArray()
  assert.deepEqual(first, { key: ['Lima', 30], primaryKey: 3, value: people[2] })
})

test('a multiEntry index has each element once, others the whole array', async (t) => {
  const { store } = await peopleStore(t)
  assert.deepEqual(await store.index('byTag').getAllKeys('b'), [1, 2, 3])
  const keys = (await store.index('byTag').entries({ gte: 'a' }).toArray()).map(({ key }) => key)
  assert.deepEqual(keys, ['a', 'b', 'b', 'b', 'c'])
  assert.deepEqual(await store.index('byTags').getAllKeys('b'), [3])
  assert.deepEqual(await store.index('byTags').getAllKeys([['b', 'b', 'c']][0]), [2])
})

test('an index follows what is written', async (t) => {
  const { store } = await peopleStore(t)
  const byAge = store.index('byAge')
  await store.put({ id: 1, age: 20 })
  await store.delete(3)
  assert.deepEqual(await byAge.getAllKeys(), [1, 2, 4, 5])
  await store.delete({ gte: 4 })
  assert.deepEqual(await byAge.getAllKeys(), [1, 2])
  await store.clear()
  assert.deepEqual(await byAge.getAllKeys(), [])
  assert.equal(await byAge.count(), 0)
})

test('a unique index refuses a second document, but not missing fields', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: {
      users: {
        keyPath: 'id',
        indexes: {
          byEmail: { on: 'email', unique: true },
          byBoth: { on: ['a', 'b'], unique: true },
        },
      },
    },
  })
  const users = db.store('users')
  await users.put({ id: 1, email: 'x', a: 1, b: 2 })
  const details = { store: 'users', index: 'byEmail' }
  await rejects(users.put({ id: 2, email: 'x' }), 'UNIQUE_VIOLATION', details)
  await rejects(users.put({ id: 2, a: 1, b: 2 }), 'UNIQUE_VIOLATION', { index: 'byBoth' })
  await users.putMany([
    { id: 2, a: 1 },
    { id: 3, a: 1, email: null },
    { id: 4, b: 2, email: undefined },
  ])
  await users.put({ id: 1, email: 'y', a: 1, b: 2 })
  await users.put({ id: 5, email: 'x' })
  assert.equal(await users.count(), 5)
})

test('what is not a key is refused', async (t) => {
  const { store } = await peopleStore(t)
  const byAge = store.index('byAge')
  await rejects(byAge.get({ gte: {} } as never), 'INVALID_KEY')
  await rejects(byAge.get(NaN), 'INVALID_KEY')
  await rejects(byAge.getAll({ gte: 1, gt: 2 }), 'INVALID_ARGUMENT')
  await rejects(byAge.getAll({ from: 1 } as never), 'INVALID_ARGUMENT')
  throws(() => byAge.range(Symbol('x') as never), 'INVALID_KEY')
})
