// What a query's methods say about it, and what it answers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, rejects, throws } from '../support/database'
import { PEOPLE, storeOf } from './store'

const ids = async (query: any): Promise<number[]> => (await query).map(({ id }: any) => id)

test('nothing runs until it is awaited or iterated, and each time anew', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const londoners = store.find({ city: 'London' })
  assert.equal((await londoners).length, 2)
  await store.put({ id: 9, city: 'London' })
  assert.equal((await londoners).length, 3)
  assert.deepEqual(await ids(collect(londoners)), [0, 1, 9])
  assert.deepEqual(await ids(londoners.toArray()), [0, 1, 9])
  const wrong = store.find({ age: { $foo: 1 } })
  await rejects(wrong, 'INVALID_QUERY', { path: 'age.$foo' })
  assert.equal(await wrong.catch((error: any) => error.code), 'INVALID_QUERY')
  let ended = 0
  await londoners.finally(() => ended++)
  assert.equal(ended, 1)
})

test('methods give new queries and take copies', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const filter = { city: { $in: ['London'] } }
  const sort = ['-age']
  const base = store.find(filter)
  const sorted = base.sort(sort)
  const one = sorted.limit(1)
  filter.city.$in.push('Paris')
  sort[0] = 'age'
  assert.deepEqual(await ids(base), [0, 1])
  assert.deepEqual(await ids(sorted), [1, 0])
  assert.deepEqual(await ids(one), [1])
  assert.deepEqual(filter, { city: { $in: ['London', 'Paris'] } })
})

test('sort takes every form, and sorts by all types', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const expected = [5, 4, 3, 1, 2, 0].filter((id) => id !== 5)
  const rows = store.find({ age: { $exists: true } })
  for (const sort of ['-age', ['-age'], { age: -1 }, [['age', -1]], { age: 'desc' }]) {
    assert.deepEqual(await ids(rows.sort(sort)), expected, JSON.stringify(sort))
    assert.deepEqual(await ids(store.find({ age: { $exists: true } }, { sort })), expected)
  }
  assert.deepEqual(await ids(store.find().sort('city').sort('-id')), [5, 4, 3, 2, 1, 0])
  assert.deepEqual(await ids(store.find().sort('-city').orderByAsc('age')), [2, 3, 0, 1, 5, 4])
  assert.deepEqual(await ids(store.find().sort({ city: 1 }).orderBy('age')), [4, 5, 0, 1, 2, 3])
  const mixed = [true, 'b', null, [3, 1], new Date(0), 2, undefined, { a: 1 }, 'a', 1n, false]
  const { store: types } = await storeOf(
    t,
    mixed.map((v) => ({ v })),
  )
  assert.deepEqual(await ids(types.find().sort('v').sort('v')), [2, 6, 10, 0, 3, 9, 5, 4, 8, 1, 7])
  assert.deepEqual(await ids(types.find().sort('-v')), [7, 1, 8, 4, 3, 5, 9, 0, 10, 2, 6])
  await rejects(store.find().sort({ age: 2 }), 'INVALID_QUERY', { path: 'age' })
  await rejects(store.find().sort(5), 'INVALID_QUERY')
  throws(() => store.find().orderBy('a', 'up'), 'INVALID_ARGUMENT')
  throws(() => store.find().orderByAsc(5), 'INVALID_ARGUMENT')
})

test('limit, skip and offset', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const all = store.find().sort('id')
  assert.deepEqual(await ids(all.limit(2)), [0, 1])
  assert.deepEqual(await ids(all.skip(4)), [4, 5])
  assert.deepEqual(await ids(all.offset(1).limit(2)), [1, 2])
  assert.deepEqual(await ids(all.limit(0)), [])
  assert.deepEqual(await ids(all.skip(10)), [])
  assert.deepEqual(await ids(store.find({}, { sort: 'id', limit: 1, offset: 3 })), [3])
  const counts = [all.limit(4).count(), all.skip(4).count(), all.limit(0).count()]
  assert.deepEqual(await Promise.all(counts), [4, 2, 0])
  for (const wrong of [-1, 1.5, '1', NaN, Infinity]) {
    throws(() => all.limit(wrong), 'INVALID_ARGUMENT')
    throws(() => all.skip(wrong), 'INVALID_ARGUMENT')
    throws(() => store.find({}, { limit: wrong }), 'INVALID_ARGUMENT', { path: 'options.limit' })
  }
  throws(() => store.find({}, { skip: 1, offset: 1 }), 'INVALID_ARGUMENT')
})

test('select reads some fields', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const one = store.find({ id: 3 })
  const some = [{ name: 'Émilie', address: { no: 3 } }]
  assert.deepEqual(await one.select(['name', 'address.no']), some)
  assert.deepEqual(await one.select('name', 'address.no'), some)
  assert.deepEqual(await one.select({ name: 1, 'address.no': 1 }), some)
  assert.deepEqual(await one.select({ id: 0, address: false, city: 0 }), [
    { name: 'Émilie', age: 42 },
  ])
  assert.deepEqual(await store.find({ id: 3 }, { select: ['age'] }), [{ age: 42 }])
  const [entry] = await one.select('age').entries()
  assert.deepEqual(entry, { key: 3, primaryKey: 3, value: { age: 42 } })
  await rejects(one.select({ name: 1, age: 0 }), 'INVALID_QUERY')
  await rejects(one.select([5]), 'INVALID_QUERY')
  throws(() => one.keys().select('name'), 'INVALID_QUERY')
})

test('the same rows come as documents, keys or entries', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const rows = store.find({ age: { $gt: 40 } }).sort('age')
  assert.deepEqual(await rows.keys(), [1, 3, 4])
  assert.deepEqual(await collect(rows.keys().limit(1)), [1])
  const entries = await rows.entries().toArray()
  assert.deepEqual(entries[0], { key: 1, primaryKey: 1, value: { id: 1, ...PEOPLE[1] } })
  assert.deepEqual(await rows.keys().first(), 1)
  const { store: outOfLine } = await storeOf(t, [], { keyPath: null })
  await outOfLine.put({ a: 1 }, ['x', new Date(5)])
  await outOfLine.put({ a: 2 }, new Uint8Array([1]))
  assert.deepEqual(await outOfLine.find({ a: 1 }).keys(), [['x', new Date(5)]])
  assert.deepEqual(await outOfLine.find({ a: 2 }).keys(), [new Uint8Array([1]).buffer])
})

test('first, exists, count and findOne', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const parisians = store.find({ city: 'Paris' })
  assert.equal((await parisians.sort('-age').first()).name, 'Émilie')
  assert.equal((await store.findOne({ city: 'Paris' }, { sort: 'age' })).name, 'Blaise')
  assert.equal(await parisians.limit(0).first(), undefined)
  assert.equal(await parisians.skip(1).exists(), true)
  assert.equal(await parisians.skip(2).exists(), false)
  assert.equal(await store.findOne({ city: 'Rome' }), undefined)
  assert.equal(await store.find({ city: 'Rome' }).exists(), false)
  assert.equal(await parisians.sort('age').select('name').count(), 2)
  assert.equal(await store.find().count(), 6)
  assert.equal(await store.count({ city: 'Paris' }), 2)
  assert.equal(await store.count({ gte: 4 }), 2)
  await rejects(store.count({ gte: 4, city: 'Paris' }), 'INVALID_ARGUMENT')
})

test('filter runs a function on what passes', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const seen: number[] = []
  const long = store.find({ age: { $gt: 36 } }).filter(({ id, name }: any) => {
    seen.push(id)
    return name.length > 4
  })
  assert.deepEqual(await ids(long.sort('age')), [2, 3, 4])
  assert.deepEqual(seen, [2, 1, 3, 4])
  assert.deepEqual(await ids(long.sort('age').skip(1).limit(1)), [3])
  assert.equal(await long.count(), 3)
  assert.equal(await long.exists(), true)
  assert.equal((await long.sort('-age').first()).name, 'Grace')
  assert.deepEqual(await long.sort('age').keys(), [2, 3, 4])
  assert.deepEqual((await long.sort('age').entries())[0].value.name, 'Blaise')
  assert.deepEqual(await ids(long.filter(({ city }: any) => city === 'Paris').sort('id')), [2, 3])
  const selected = store.find({ id: 0 }).select('name')
  assert.deepEqual(await selected.filter((row: any) => assert.deepEqual(row, { name: 'Ada' })), [])
  throws(() => long.select('name'), 'INVALID_QUERY')
  throws(() => store.find().filter('name'), 'INVALID_ARGUMENT')
  await rejects(long.page({ size: 1 }), 'INVALID_QUERY')
  await rejects(
    store.find().filter(async () => true),
    'INVALID_ARGUMENT',
  )
  const mine = new Error('mine')
  const throwing = store.find().filter(() => {
    throw mine
  })
  await assert.rejects(throwing.toArray(), mine)
})

test('hint names the index, explain tells', async (t) => {
  const { store } = await storeOf(t, PEOPLE, {
    indexes: { byCity: { on: 'city' }, byAge: { on: 'age' } },
  })
  const query = store.find({ city: 'Paris', age: { $gt: 40 } })
  for (const index of ['byCity', 'byAge']) {
    const explanation = await query.hint(index).explain()
    assert.equal(explanation.index, index)
    assert.equal(explanation.returned, 1)
    assert.deepEqual(await ids(query.hint(index)), [3])
  }
  assert.equal((await query.hint('byCity').explain()).examinedKeys, 2)
  const text = await query.hint('byCity').explain({ format: 'text' })
  assert.match(text, /byCity/)
  assert.match(text, /1 returned, of 2 index entries/)
  await assert.rejects(query.hint('byName').toArray(), { name: 'LodestoreError' })
  throws(() => query.hint(5), 'INVALID_ARGUMENT')
  await rejects(query.explain({ format: 'xml' }), 'INVALID_ARGUMENT')
})

test('options are checked by name', async (t) => {
  const { store } = await storeOf(t, [])
  throws(() => store.find({}, { order: 'a' }), 'INVALID_ARGUMENT', { path: 'options.order' })
  throws(() => store.find({}, []), 'INVALID_ARGUMENT', { path: 'options' })
  throws(() => store.find({}, { signal: 5 }), 'INVALID_ARGUMENT', { path: 'options.signal' })
  await rejects(store.findOne({}, { limitt: 1 }), 'INVALID_ARGUMENT', { path: 'options.limitt' })
  for (const filter of [5, 'x', null, [], new Date(), new Map()]) {
    throws(() => store.find(filter), 'INVALID_QUERY')
  }
})
