// expr builds expressions of the filter language.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr } from '../../index.js'
import { rejects, throws } from '../support/database'
import { storeOf } from './store'

test('each method writes one operator', () => {
  const a = expr.field('a.b')
  const written: [{ toJSON(): unknown }, unknown][] = [
    [a, '$a.b'],
    [a.plus(1, expr.field('c')), { $add: ['$a.b', 1, '$c'] }],
    [a.minus(1).times(2), { $multiply: [{ $subtract: ['$a.b', 1] }, 2] }],
    [a.round(), { $round: '$a.b' }],
    [a.round(2), { $round: ['$a.b', 2] }],
    [a.min(), { $min: '$a.b' }],
    [a.max(5), { $max: ['$a.b', 5] }],
    [a.gt(5).and(a.lt(9)).not(), { $not: { $and: [{ $gt: ['$a.b', 5] }, { $lt: ['$a.b', 9] }] } }],
    [a.trim(), { $trim: { input: '$a.b' } }],
    [a.replaceAll('x', 'y'), { $replaceAll: { input: '$a.b', find: 'x', replacement: 'y' } }],
    [a.dateAdd('day', 2), { $dateAdd: { startDate: '$a.b', unit: 'day', amount: 2 } }],
    [
      a.filter('x', expr.variable('x').gt(1)),
      { $filter: { input: '$a.b', as: 'x', cond: { $gt: ['$$x', 1] } } },
    ],
    [expr.cond(a.gt(1), 'yes', 'no'), { $cond: [{ $gt: ['$a.b', 1] }, 'yes', 'no'] }],
    [expr.now(), '$$NOW'],
    [expr.array(1, a), [1, '$a.b']],
    [expr.of({ $sqrt: '$x' }).plus(1), { $add: [{ $sqrt: '$x' }, 1] }],
    [a.in([1, 2]), { $in: ['$a.b', { $literal: [1, 2] }] }],
  ]
  for (const [expression, object] of written) {
    assert.deepEqual(expression.toJSON(), object)
  }
})

test('a value is never taken for a field or an operator', () => {
  assert.deepEqual(expr.field('a').concat('$b').toJSON(), {
    $concat: ['$a', { $literal: '$b' }],
  })
  assert.deepEqual(expr.field('a').eq({ $gt: 1 }).toJSON(), {
    $eq: ['$a', { $literal: { $gt: 1 } }],
  })
  throws(() => expr.field(''), 'INVALID_ARGUMENT')
  throws(() => expr.field(5 as any), 'INVALID_ARGUMENT')
})

test('a filter has them in $expr, and nowhere else', async (t) => {
  const orders = [
    { price: 5, n: 2, paid: 10 },
    { price: 5, n: 3, paid: 10 },
    { price: 1, n: 1, paid: 2, tags: ['a', 'b'] },
  ]
  const { store, ids } = await storeOf(t, orders)
  const total = expr.field('price').times(expr.field('n'))
  assert.deepEqual(await ids({ $expr: expr.field('paid').lt(total) }), [1])
  assert.deepEqual(await ids({ $expr: total.eq(expr.field('paid')), price: 5 }), [0])
  assert.deepEqual(await store.find(expr.field('paid').gt(total)).keys(), [2])
  assert.deepEqual(await ids({ $expr: expr.field('tags').ifNull([]).size().eq(2) }), [2])
  const error = throws(() => store.find({ paid: { $lt: total } }), 'INVALID_QUERY')
  assert.equal(error.path, 'paid.$lt')
  assert.match(error.message, /\$expr/)
})

test('an expression is an object of its operators wherever values are read', () => {
  const total = expr.field('price').times(expr.field('n'))
  assert.deepEqual({ ...total.plus(1) }, { $add: [{ $multiply: ['$price', '$n'] }, 1] })
  assert.deepEqual({ ...expr.field('a') }, { $let: { vars: {}, in: '$a' } })
  assert.equal(JSON.stringify({ a: expr.field('a') }), '{"a":"$a"}')
  assert.deepEqual({ ...expr.literal('$x') }, { $literal: '$x' })
})

test('a parameter is refused where it is taken for a value', async (t) => {
  const { store } = await storeOf(t, [])
  await rejects(store.put({ id: 1, a: expr.param('x') }), 'INVALID_ARGUMENT')
  assert.equal(JSON.stringify(expr.param('x')), '{"$param":"x"}')
})
