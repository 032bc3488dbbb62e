// What nobody should give to a query: an error or a bounded cost, never a crash or a hang.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { where } from '../../index.js'
import { rejects, throws } from '../support/database'
import { storeOf } from './store'

/** A value in so many others. */
function nested(depth: number, wrap: (inner: unknown) => unknown, inner: unknown = 1): any {
  let value = inner
  for (let i = 0; i < depth; i++) value = wrap(value)
  return value
}

test('deep nesting is refused with a short message', async (t) => {
  const { store } = await storeOf(t, [{ a: 1 }])
  const filters = [
    nested(250, (inner) => ({ $and: [inner] }), { a: 1 }),
    nested(250, (inner) => ({ $not: inner }), { $gt: 1 }),
    nested(250, (inner) => ({ $elemMatch: inner }), { $gt: 1 }),
  ]
  const [and, not, elemMatch] = filters
  for (const filter of [and, { a: not }, { a: elemMatch }]) {
    const { message } = await rejects(store.find(filter).toArray(), 'INVALID_QUERY')
    assert.match(message, /deeper than 100/)
  }
  const cyclic: any = { a: 1 }
  cyclic.$and = [cyclic]
  const { message } = throws(() => store.find(cyclic), 'INVALID_QUERY')
  assert.ok(message.length < 500)
  throws(() => store.find({ a: nested(100_000, (inner) => [inner]) }), 'INVALID_QUERY')
  // Each level doubles what is spelled out.
  throws(() => store.find({ a: nested(60, (inner) => [inner, inner], {}) }), 'INVALID_QUERY')
})

test('an object that is used several times is no cycle', async (t) => {
  const { ids } = await storeOf(t, [{ a: 5, b: 5 }, { a: 5 }, {}])
  const condition = { $gt: 1 }
  assert.deepEqual(await ids({ a: condition, b: condition }), [0])
  const either = { $or: [{ a: condition }, { b: condition }] }
  assert.deepEqual(await ids({ $and: [either, either] }), [0, 1])
  const list = [5]
  assert.deepEqual(await ids({ a: { $in: list }, b: { $nin: list } }), [1])
})

test('functions and the like are refused with their place', async (t) => {
  const { store } = await storeOf(t, [])
  const cases: [unknown, string, RegExp][] = [
    [{ a: () => true }, 'a', /use \.filter\(function\)/],
    [{ $or: [{ a: 1 }, { b: { $gt: Symbol('x') } }] }, '$or.1.b.$gt', /symbol/],
    [{ a: { $in: [1, class {}] } }, 'a.$in.1', /function/],
    [{ a: Promise.resolve(1) }, 'a', /Promise/],
    [{ a: new WeakMap() }, 'a', /WeakMap/],
    [{ $expr: { $gt: [() => 1, 2] } }, '$expr.$gt.0', /function/],
  ]
  for (const [filter, path, message] of cases) {
    const error = throws(() => store.find(filter), 'INVALID_QUERY', { path })
    assert.match(error.message, message)
  }
  throws(() => where({ a: () => 1 } as any), 'INVALID_QUERY', { path: 'a' })
  await rejects(store.findOne({ a: () => 1 }), 'INVALID_QUERY', { path: 'a' })
  await rejects(store.count({ a: () => 1 }), 'INVALID_QUERY', { path: 'a' })
})

test('what getters throw is thrown on, and the filter is read once', async (t) => {
  const { store } = await storeOf(t, [{ a: 1 }, { a: 2 }])
  const mine = new Error('mine')
  const throwing = {
    get a(): number {
      throw mine
    },
  }
  assert.throws(() => store.find(throwing), mine)
  let reads = 0
  const query = store.find({
    get a() {
      // A getter may use the database, too.
      assert.equal(store.getSync(0).a, 1)
      return ++reads
    },
  })
  assert.deepEqual([await query.keys(), await query.keys(), reads], [[0], [0], 1])
})

test('unknown operators and wrong operands are refused with their place', async (t) => {
  const { store } = await storeOf(t, [{ a: 1 }])
  const cases: [object, string][] = [
    [{ a: { $foo: 1 } }, 'a.$foo'],
    [{ $foo: [] }, '$foo'],
    [{ $and: [] }, '$and'],
    [{ $and: [{ a: 1 }, { b: { $in: 5 } }] }, '$and.1.b.$in'],
    [{ $or: {} }, '$or'],
    [{ a: { $size: -1 } }, 'a.$size'],
    [{ a: { $mod: [0, 1] } }, 'a.$mod'],
    [{ a: { $regex: '(' } }, 'a.$regex'],
    [{ a: { $regex: '(?=x)' } }, 'a.$regex'],
    [{ a: { $between: [1] } }, 'a.$between'],
    [{ a: { $gt: 1, b: 2 } }, 'a.b'],
    [{ $where: 'true' }, '$where'],
    [{ $text: { $search: 'x' } }, '$text'],
    [{ $expr: { $foo: 1 } }, '$expr.$foo'],
  ]
  for (const [filter, path] of cases) {
    const error = await rejects(store.find(filter).toArray(), 'INVALID_QUERY')
    assert.ok(error.path?.startsWith(path), `${error.path}: ${error.message}`)
    assert.ok(error.message.includes(path), error.message)
    await rejects(store.count(filter), 'INVALID_QUERY')
  }
})

test('large filters and catastrophic expressions have a bounded cost', async (t) => {
  const { store } = await storeOf(t, [{ a: 77_777, b: 'x' }, { a: 'a'.repeat(50_000) + '!' }])
  const many = Array.from({ length: 100_000 }, (_, i) => i)
  assert.deepEqual(await store.find({ a: { $in: many } }).keys(), [0])
  const or = many.slice(0, 5000).map((value) => ({ b: `${value}` }))
  assert.deepEqual(await store.find({ $or: [...or, { b: 'x' }] }).keys(), [0])
  assert.deepEqual(await store.find({ a: { $regex: '(a+)+$' } }).keys(), [])
  assert.deepEqual(await store.find({ a: { $like: '%a%a%a%a%a%b' } }).keys(), [])
  const text = 'x'.repeat(10_000_000)
  assert.deepEqual(await store.find({ a: text }).keys(), [])
  await rejects(store.find({ a: { $regex: '(x{999}){999}' } }).toArray(), 'INVALID_QUERY')
})

test('field names of any kind are names', async (t) => {
  const names = ['\u0000', 'ä', '😀', '\ud800', ' ', 'a b', '-a']
  const { store } = await storeOf(
    t,
    names.map((name) => ({ [name]: 1 })),
  )
  for (const [id, name] of names.entries()) {
    assert.deepEqual(await store.find({ [name]: 1 }).keys(), [id], name)
    assert.deepEqual(await store.find({ [name]: { $exists: true } }).keys(), [id], name)
  }
  assert.deepEqual(
    await store
      .find()
      .sort([['-a', -1], 'id'])
      .limit(1)
      .keys(),
    [6],
  )
})
