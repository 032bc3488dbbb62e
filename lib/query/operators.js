'use strict'

const { LodestoreError } = require('../errors')

/**
 * The operators of `where(field, operator, value)`, as conditions of the filter language. They are
 * written in capitals here, with single spaces.
 *
 * @type {ReadonlyMap<string, (value: unknown) => object>}
 */
const OPERATORS = new Map([
  ['=', (value) => ({ $eq: value })],
  ['!=', (value) => ({ $ne: value })],
  ['<>', (value) => ({ $ne: value })],
  ['>', (value) => ({ $gt: value })],
  ['>=', (value) => ({ $gte: value })],
  ['<', (value) => ({ $lt: value })],
  ['<=', (value) => ({ $lte: value })],
  ['IN', (value) => ({ $in: value })],
  ['NOT IN', (value) => ({ $nin: value })],
  ['BETWEEN', (value) => ({ $between: value })],
  ['NOT BETWEEN', (value) => ({ $not: { $between: value } })],
  ['LIKE', (value) => ({ $like: value })],
  ['NOT LIKE', (value) => ({ $notLike: value })],
  ['ILIKE', (value) => ({ $ilike: value })],
  ['NOT ILIKE', (value) => ({ $not: { $ilike: value } })],
  ['IS', (value) => ({ $eq: value })],
  ['IS NOT', (value) => ({ $ne: value })],
])

/**
 * The condition that an operator stands for.
 *
 * @param {string} method
 * @param {unknown} operator in any case
 * @param {unknown} value
 * @returns {object}
 * @throws {LodestoreError} INVALID_QUERY
 */
function conditionOf(method, operator, value) {
  const name = typeof operator === 'string' ? operator.trim().replace(/\s+/g, ' ') : undefined
  const make = OPERATORS.get(name?.toUpperCase())
  if (make !== undefined) return make(value)
  const given = name === undefined ? 'what was given' : `'${name}'`
  const all = [...OPERATORS.keys()].join(', ')
  throw new LodestoreError('INVALID_QUERY', `${method}: ${given} is no operator; there are ${all}`)
}

/** Missing, null, an empty string, an empty array or an empty object. */
function isEmpty(field) {
  const emptyArray = { [field]: { $size: 0 } }
  // An array is not empty because one of its elements is.
  const other = { [field]: { $in: [null, '', {}], $not: { $type: 'array' } } }
  return { $or: [emptyArray, other] }
}

/**
 * The named forms: methods that take a field and a value, as filters.
 *
 * @type {Readonly<Record<string, (field: string, value: unknown, other: unknown) => object>>}
 */
const NAMED_FORMS = Object.freeze({
  whereEqual: (field, value) => ({ [field]: { $eq: value } }),
  whereNotEqual: (field, value) => ({ [field]: { $ne: value } }),
  whereGreaterThan: (field, value) => ({ [field]: { $gt: value } }),
  whereGreaterThanOrEqualTo: (field, value) => ({ [field]: { $gte: value } }),
  whereLessThan: (field, value) => ({ [field]: { $lt: value } }),
  whereLessThanOrEqualTo: (field, value) => ({ [field]: { $lte: value } }),
  whereIn: (field, values) => ({ [field]: { $in: values } }),
  whereNotIn: (field, values) => ({ [field]: { $nin: values } }),
  whereBetween: (field, low, high) => ({ [field]: { $between: [low, high] } }),
  whereNull: (field) => ({ [field]: { $eq: null } }),
  whereNotNull: (field) => ({ [field]: { $ne: null } }),
  whereLike: (field, pattern) => ({ [field]: { $like: pattern } }),
  whereNotLike: (field, pattern) => ({ [field]: { $notLike: pattern } }),
  whereContains: (field, text) => ({ [field]: { $contains: text } }),
  whereNotContains: (field, text) => ({ [field]: { $not: { $contains: text } } }),
  whereStartsWith: (field, text) => ({ [field]: { $startsWith: text } }),
  whereEndsWith: (field, text) => ({ [field]: { $endsWith: text } }),
  whereEmpty: isEmpty,
  whereNotEmpty: (field) => ({ $nor: [isEmpty(field)] }),
})

module.exports = { NAMED_FORMS, conditionOf }
