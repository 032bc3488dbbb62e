// What nobody should give to a query: an error or a bounded cost, never a crash or a hang.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { where } from '../../index.js'
import { until } from '../support/check'
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

test('filters of a million values are taken, whatever they are made of', async (t) => {
  const documents = Array.from({ length: 50 }, (_, n) => ({ a: `${n}`, b: n }))
  const { db, store } = await storeOf(t, documents, { indexes: { byB: { on: 'b' } } })
  const million = Array.from({ length: 1_000_000 }, (_, i) => i + 10)
  const numbers = million.slice(0, 200_000)
  const least = Array.from({ length: 100_000 }, () => ({ b: { $gte: 0 } }))
  const groups = Array.from({ length: 500 }, (_, i) => ({
    $or: numbers.slice(i, i + 200).map((b) => ({ b: { $lt: b } })),
  }))
  const cases: [name: string, filter: any, count: number][] = [
    ['$in', { b: { $in: million } }, 40],
    ['$in of fewer', { b: { $in: numbers } }, 40],
    ['$nin', { b: { $nin: numbers } }, 10],
    ['strings', { a: { $in: numbers.map(String) } }, 40],
    ['$all', { b: { $all: numbers } }, 0],
    ['$or', { $or: numbers.slice(0, 100_000).map((b) => ({ b })) }, 40],
    ['$and', { $and: least }, 50],
    ['$and of a list', { $and: [{ b: { $in: numbers } }, ...least] }, 40],
    ['$and of $or', { $and: groups }, 50],
    ['$expr', { $expr: { $in: ['$b', numbers] } }, 40],
    ['$nor', { $nor: numbers.slice(0, 100_000).map((b) => ({ b })) }, 10],
  ]
  for (const [name, filter, count] of cases) {
    assert.equal(await store.count(filter), count, name)
  }
  const long = { b: { $in: numbers } }
  assert.equal((await store.find(long).sort('-b').limit(5)).length, 5)
  assert.deepEqual(await store.aggregate([{ $match: long }, { $count: 'n' }]), [{ n: 40 }])
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    const before = own.count(long)
    await own.put({ id: 1000, b: 20 })
    assert.deepEqual([await before, await own.count(long)], [40, 41])
  })
  assert.deepEqual(await store.find(long).update({ $set: { c: numbers.slice(0, 9) } }), {
    matched: 41,
    modified: 41,
  })
})

test('what would take too long to be copied is refused at once', async (t) => {
  const { store } = await storeOf(t, [])
  const endless: number[] = []
  endless.length = 2 ** 32 - 1
  const path = 'a.$in'
  throws(() => store.find({ a: { $in: endless } }), 'INVALID_QUERY', { path })
  const many = Array.from({ length: 300_000 }, () => ({ a: 1 }))
  throws(() => store.find({ $or: many }), 'INVALID_QUERY')
  const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`f${i}`, 1]))
  throws(() => store.find(wide), 'INVALID_QUERY')
  throws(() => store.aggregate([{ $match: { a: { $in: endless } } }]), 'INVALID_QUERY')
})

test('expressions with loops do not hold up the event loop', async (t) => {
  const { store } = await storeOf(t, [{ a: 1 }, { a: 2 }])
  // A short one that would go on for hours.
  const loop = (inner: unknown): object => ({
    $reduce: { input: '$$list', initialValue: 0, in: inner },
  })
  const list = Array.from({ length: 300 }, (_, i) => i % 10)
  const endless = {
    $let: { vars: { list }, in: { $gt: [loop(loop(loop(loop(loop(1))))), 0] } },
  }
  const queries = [store.find({ $expr: endless }), store.aggregate([{ $set: { endless } }])]
  for (const query of queries) {
    const order: unknown[] = []
    const ended = query.toArray().catch((error: any) => order.push(error.code))
    await setImmediate()
    order.push('a turn')
    await ended
    assert.deepEqual(order, ['a turn', 'RESOURCE_LIMIT'])
  }
})

test('an abort does not wait for a long filter to be understood', async (t) => {
  const { db, store } = await storeOf(t, [{ a: 1 }])
  const numbers = Array.from({ length: 1_000_000 }, (_, i) => i)
  // In JavaScript, and on the other thread.
  const left = [1, 20]
  for (let turns = left[0]; turns !== undefined; turns = left[0]) {
    const controller = new AbortController()
    const found = store.find({ a: { $in: numbers } }, { signal: controller.signal }).toArray()
    const settled: unknown[] = []
    found.then(
      (rows: unknown[]) => settled.push(rows),
      (error: any) => settled.push(error.code),
    )
    for (let i = 0; i < turns; i++) await setImmediate()
    controller.abort()
    await setImmediate()
    // On a busy machine the other thread may have been done by then; then once more.
    if (Array.isArray(settled[0])) continue
    assert.deepEqual(settled, ['ABORTED'])
    left.shift()
  }
  await until('the end of all queries', async () => {
    const { queries, readers } = await db.stats()
    return queries === 0 && readers === 0
  })
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
