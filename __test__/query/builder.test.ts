// The fluent builder means the filter that it compiles to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expr, where } from '../../index.js'
import { throws } from '../support/database'
import { PEOPLE, storeOf } from './store'

const filterOf = (...condition: [any, any?, any?]) => (where as any)(...condition).toFilter()

test('every operator is one of the filter language', () => {
  const filters: [string, unknown, object][] = [
    ['=', 1, { $eq: 1 }],
    ['!=', 1, { $ne: 1 }],
    ['<>', 1, { $ne: 1 }],
    ['>', 1, { $gt: 1 }],
    ['>=', 1, { $gte: 1 }],
    ['<', 1, { $lt: 1 }],
    ['<=', 1, { $lte: 1 }],
    ['IN', [1], { $in: [1] }],
    ['not in', [1], { $nin: [1] }],
    ['Between', [1, 2], { $between: [1, 2] }],
    ['not  between', [1, 2], { $not: { $between: [1, 2] } }],
    ['LIKE', 'a%', { $like: 'a%' }],
    ['NOT LIKE', 'a%', { $notLike: 'a%' }],
    ['ilike', 'a%', { $ilike: 'a%' }],
    ['NOT ILIKE', 'a%', { $not: { $ilike: 'a%' } }],
    ['IS', null, { $eq: null }],
    [' is not ', null, { $ne: null }],
  ]
  for (const [operator, value, condition] of filters) {
    assert.deepEqual(filterOf('a.b', operator, value), { 'a.b': condition }, operator)
  }
  assert.deepEqual(filterOf('a', 5), { a: { $eq: 5 } })
  assert.deepEqual(filterOf('a', { $gt: 1 }), { a: { $eq: { $gt: 1 } } })
  assert.deepEqual(filterOf({ a: { $gt: 1 } }), { a: { $gt: 1 } })
  assert.deepEqual(filterOf(expr.field('a').gt(1)), { $expr: { $gt: ['$a', 1] } })
})

test('the named forms are, too', () => {
  const any = where({}) as any
  const isEmpty = {
    $or: [{ a: { $size: 0 } }, { a: { $in: [null, '', {}], $not: { $type: 'array' } } }],
  }
  const forms: [string, unknown[], object][] = [
    ['whereEqual', [1], { a: { $eq: 1 } }],
    ['whereNotEqual', [1], { a: { $ne: 1 } }],
    ['whereGreaterThan', [1], { a: { $gt: 1 } }],
    ['whereGreaterThanOrEqualTo', [1], { a: { $gte: 1 } }],
    ['whereLessThan', [1], { a: { $lt: 1 } }],
    ['whereLessThanOrEqualTo', [1], { a: { $lte: 1 } }],
    ['whereIn', [[1]], { a: { $in: [1] } }],
    ['whereNotIn', [[1]], { a: { $nin: [1] } }],
    ['whereBetween', [1, 2], { a: { $between: [1, 2] } }],
    ['whereNull', [], { a: { $eq: null } }],
    ['whereNotNull', [], { a: { $ne: null } }],
    ['whereLike', ['x'], { a: { $like: 'x' } }],
    ['whereNotLike', ['x'], { a: { $notLike: 'x' } }],
    ['whereContains', ['x'], { a: { $contains: 'x' } }],
    ['whereNotContains', ['x'], { a: { $not: { $contains: 'x' } } }],
    ['whereStartsWith', ['x'], { a: { $startsWith: 'x' } }],
    ['whereEndsWith', ['x'], { a: { $endsWith: 'x' } }],
    ['whereEmpty', [], isEmpty],
    ['whereNotEmpty', [], { $nor: [isEmpty] }],
  ]
  for (const [name, values, filter] of forms) {
    assert.deepEqual(any[name]('a', ...values).toFilter(), { $and: [{}, filter] }, name)
    assert.equal(any[name].name, name)
  }
})

test('conditions are put together as in SQL', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((field) => ({ [field]: { $eq: 1 } }))
  assert.deepEqual(where('a', 1).where('b', 1).toFilter(), { $and: [a, b] })
  assert.deepEqual(where('a', 1).orWhere('b', 1).toFilter(), { $or: [a, b] })
  assert.deepEqual(where('a', 1).or('b', 1).toFilter(), { $or: [a, b] })
  assert.deepEqual(where('a', 1).or().where('b', 1).toFilter(), { $or: [a, b] })
  assert.deepEqual(where('a', 1).where('b', 1).orWhere('c', 1).where('d', 1).toFilter(), {
    $or: [{ $and: [a, b] }, { $and: [c, d] }],
  })
  assert.deepEqual(where('a', 1).condition(where('b', 1).or('c', 1)).where('d', 1).toFilter(), {
    $and: [a, { $or: [b, c] }, d],
  })
  throws(() => where('a', 1).or().toFilter(), 'INVALID_QUERY')
  throws(() => where('a', 1).or().or(), 'INVALID_QUERY')
})

test('each method gives a new object', () => {
  const base = where('a', 1)
  const more = base.where('b', 2)
  base.orWhere('c', 3)
  assert.deepEqual(base.toFilter(), { a: { $eq: 1 } })
  assert.deepEqual(more.toFilter(), { $and: [{ a: { $eq: 1 } }, { b: { $eq: 2 } }] })
  const list = [1]
  const listed = where('a', 'IN', list)
  list.push(2)
  assert.deepEqual(listed.toFilter(), { a: { $in: [1] } })
})

test('what is no condition is refused by name', () => {
  const refused: [() => unknown, string, RegExp][] = [
    [() => where('a', '~' as any, 1), 'INVALID_QUERY', /'~' is no operator; there are =, /],
    [() => where('a', 5 as any, 1), 'INVALID_QUERY', /is no operator/],
    [() => where(5 as any, 1), 'INVALID_ARGUMENT', /field must be a string/],
    [() => where('$or', []), 'INVALID_QUERY', /'\$or' is no field/],
    [() => where('x' as any), 'INVALID_QUERY', /a filter is an object/],
    [() => where([] as any), 'INVALID_QUERY', /not an array/],
    [() => where(new Date() as any), 'INVALID_QUERY', /a filter is an object/],
    [() => (where('a', 1) as any).whereNull(5), 'INVALID_ARGUMENT', /field must be/],
  ]
  for (const [run, code, message] of refused) {
    assert.match(throws(run, code as any).message, message)
  }
})

test('a store is queried by it', async (t) => {
  const { store } = await storeOf(t, PEOPLE)
  const names = async (query: any) => (await query).map(({ name }: { name: string }) => name)
  assert.deepEqual(
    await names(store.query().where('age', '>', 40).orWhere('vip', '=', true).orderByDesc('age')),
    ['Grace', 'Émilie', 'Alan', 'Ada'],
  )
  assert.deepEqual(
    await names(store.query().whereEmpty('tags').orderByAsc('name').select('name')),
    ['Blaise', 'Émilie'],
  )
  assert.deepEqual(await names(store.query().whereNotEmpty('tags').whereNull('city')), ['Grace'])
  assert.deepEqual(
    await names(
      store
        .query()
        .where('city', 'IN', ['London', 'Paris'])
        .condition(where('age', '<', 37).or('address.no', 3))
        .orderBy('age', 'desc'),
    ),
    ['Émilie', 'Ada'],
  )
  assert.deepEqual(
    await names(store.query().orderByAsc('city').orderByDesc('age').offset(1).limit(3)),
    ['Hedy', 'Alan', 'Ada'],
  )
  assert.equal(await store.query().whereLike('name', 'A%').count(), 2)
  assert.equal(await store.query().where('name', 'ilike', 'ADA').exists(), true)
  assert.equal((await store.query().whereBetween('age', 39, 41).orderByAsc('age').first()).age, 39)
  assert.deepEqual(await names(store.find(where('age', '>', 80))), ['Grace'])
  assert.deepEqual(await names(store.find({ age: { $lt: 40 } }).where('city', 'Paris')), ['Blaise'])
  assert.equal(await store.count(where('vip', false)), 1)
  assert.equal((await store.query()).length, PEOPLE.length)
})
