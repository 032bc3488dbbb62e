// Prepared queries: values are given when they run, and are never anything but values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr, where } from '../../index.js'
import { rejects, throws } from '../support/database'
import { PEOPLE, storeOf } from './store'

test('a prepared query runs with other values each time', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const older = store.prepare(
    { age: { $gt: expr.param('min') } },
    { sort: '-age', select: ['age'] },
  )
  assert.deepEqual(older.parameters, ['min'])
  assert.deepEqual(await older.run({ min: 41 }), [{ age: 85 }, { age: 42 }])
  assert.deepEqual(await older.run({ min: 80 }).keys(), [4])
  assert.equal(await older.run({ min: 0 }).limit(2).count(), 2)
  const listed = store.prepare({ $or: [{ city: { $in: expr.param('cities') } }, { vip: true }] })
  assert.equal(await listed.run({ cities: ['Paris'] }).count(), 3)
  const built = store.prepare(where('age', '>', expr.param('a')).where('city', expr.param('b')))
  assert.deepEqual(built.parameters, ['a', 'b'])
  assert.deepEqual(await built.run({ a: 40, b: 'Paris' }).keys(), [3])
  const expression = store.prepare({ $expr: expr.field('age').eq(expr.param('age')) })
  assert.deepEqual(await expression.run({ age: 36 }).keys(), [0])
})

test('a value cannot become an operator or a field', async (t) => {
  const { store } = await storeOf(t, [{ password: 'secret', a: 1, b: 1 }])
  const login = store.prepare({ password: expr.param('password') })
  assert.equal(await login.run({ password: 'secret' }).count(), 1)
  assert.equal(await login.run({ password: { $ne: null } }).count(), 0)
  assert.equal(await login.run({ password: /secret/ }).count(), 0)
  const compared = store.prepare({ $expr: { $eq: ['$a', expr.param('value')] } })
  assert.equal(await compared.run({ value: 1 }).count(), 1)
  assert.equal(await compared.run({ value: '$b' }).count(), 0)
  assert.equal(await compared.run({ value: { $add: [1, 0] } }).count(), 0)
})

test('parameters are checked by name', async (t) => {
  const { store } = await storeOf(t, [])
  const query = store.prepare({ a: expr.param('x') })
  throws(() => query.run(), 'INVALID_ARGUMENT', { path: 'parameters.x' })
  throws(() => query.run({ x: 1, y: 2 }), 'INVALID_ARGUMENT', { path: 'parameters.y' })
  throws(() => query.run([1]), 'INVALID_ARGUMENT', { path: 'parameters' })
  assert.match(throws(() => query.run({ x: () => 1 }), 'INVALID_QUERY').message, /'x'.*function/)
  assert.deepEqual(await query.run({ x: undefined }), [])
  for (const filter of [{ $and: expr.param('x') }, { a: { $not: expr.param('x') } }]) {
    assert.match(throws(() => store.prepare(filter), 'INVALID_QUERY').message, /for a value/)
  }
  const message = throws(() => store.find({ a: expr.param('x') }), 'INVALID_QUERY').message
  assert.match(message, /'x' has no value; use prepare/)
  throws(() => store.query().where('a', expr.param('x')), 'INVALID_QUERY')
  throws(() => store.prepare(5), 'INVALID_QUERY')
  throws(() => store.prepare({}, { sorted: 1 }), 'INVALID_ARGUMENT')
  await rejects(
    store.prepare({ a: { $gt: expr.param('x'), $foo: 1 } }).run({ x: 1 }),
    'INVALID_QUERY',
  )
})
