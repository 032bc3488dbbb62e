'use strict'

const { KIND, classify } = require('../codec/classify')
const { LodestoreError } = require('../errors')
const { describe, invalidArgument } = require('../options/check')
const { FILTER_OF, captureFilter } = require('./capture')
const { Expression } = require('./expression')
const { NAMED_FORMS, conditionOf } = require('./operators')

/**
 * Alternatives, each of filters that all have to hold, captured.
 *
 * @typedef {readonly (readonly object[])[]} Groups
 */

/**
 * Conditions that are put together as in SQL: those of `where` all have to hold, and an `or`
 * begins an alternative to all of them (`a AND b OR c AND d`). Immutable: each method gives a new
 * object.
 */
class Conditions {
  #groups
  #derive
  #allowsParameters

  /**
   * @param {Groups} groups
   * @param {(conditions: Conditions, groups: Groups) => Conditions} derive makes what methods give:
   *   the same of other conditions
   * @param {boolean} allowsParameters whether `expr.param` may stand in conditions
   */
  constructor(groups, derive, allowsParameters) {
    this.#groups = groups
    this.#derive = derive
    this.#allowsParameters = allowsParameters
  }

  /** Another condition that has to hold: `(field, operator, value)`, `(field, value)`, a filter. */
  where(...condition) {
    return this.#and(filterOf('where', condition))
  }

  /** The same, for conditions in parentheses: `condition(where(…).or(…))`. */
  condition(...condition) {
    return this.#and(filterOf('condition', condition))
  }

  /** An alternative: the condition given, or what the following `where` says. */
  or(...condition) {
    if (condition.length > 0) return this.#or(filterOf('or', condition))
    if (this.#groups.at(-1)?.length > 0) return this.#derive(this, [...this.#groups, []])
    throw new LodestoreError('INVALID_QUERY', 'or: there is no condition before it')
  }

  /** An alternative. */
  orWhere(...condition) {
    return this.#or(filterOf('orWhere', condition))
  }

  /** The filter that the conditions mean. */
  toFilter() {
    const groups = this.#groups
    if (groups.length === 0) return {}
    if (groups.at(-1).length === 0) {
      throw new LodestoreError('INVALID_QUERY', 'or: there is no condition behind it')
    }
    return groups.length === 1 ? filterOfGroup(groups[0]) : { $or: groups.map(filterOfGroup) }
  }

  get [FILTER_OF]() {
    return this.toFilter()
  }

  #and(filter) {
    const captured = captureFilter(filter, this.#allowsParameters)
    const last = this.#groups.at(-1) ?? []
    return this.#derive(this, [...this.#groups.slice(0, -1), [...last, captured]])
  }

  #or(filter) {
    const captured = captureFilter(filter, this.#allowsParameters)
    const before = this.#groups.filter((group) => group.length > 0)
    return this.#derive(this, [...before, [captured]])
  }
}

function filterOfGroup(group) {
  return group.length === 1 ? group[0] : { $and: group }
}

for (const [name, make] of Object.entries(NAMED_FORMS)) {
  const method = function (field, ...values) {
    return this.where(make(checkField(name, field), ...values))
  }
  Object.defineProperty(method, 'name', { value: name })
  Object.defineProperty(Conditions.prototype, name, {
    value: method,
    configurable: true,
    writable: true,
  })
}

/** Conditions by themselves, to stand in others or to be given to `find`. */
class Condition extends Conditions {
  /** @param {Groups} groups */
  constructor(groups) {
    super(groups, withGroups, true)
  }
}

function withGroups(_condition, groups) {
  return new Condition(groups)
}

/**
 * The filter that the arguments of `where` say.
 *
 * @param {string} method
 * @param {unknown[]} condition
 * @returns {object}
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function filterOf(method, condition) {
  if (condition.length >= 2) {
    const [field, ...rest] = condition
    checkField(method, field)
    if (rest.length === 1) return { [field]: { $eq: rest[0] } }
    return { [field]: conditionOf(method, rest[0], rest[1]) }
  }
  return asFilter(method, condition[0])
}

/** A filter as it may be given: an object, conditions, or an expression. */
function asFilter(method, filter) {
  if (filter instanceof Conditions) return filter.toFilter()
  if (filter instanceof Expression) return { $expr: filter }
  const isObject = typeof filter === 'object' && filter !== null && !Array.isArray(filter)
  if (isObject && classify(filter, Object.getPrototypeOf(filter)) === KIND.PLAIN) return filter
  throw new LodestoreError(
    'INVALID_QUERY',
    `${method}: a filter is an object such as { age: { $gt: 20 } }, or where(…), ` +
      `not ${describe(filter)}`,
  )
}

function checkField(method, field) {
  if (typeof field !== 'string') {
    const message = `${method}: field must be a string, not ${describe(field)}`
    throw invalidArgument(message, 'field')
  }
  if (!field.startsWith('$')) return field
  throw new LodestoreError(
    'INVALID_QUERY',
    `${method}: '${field}' is no field; give operators as a filter, as in where({ $or: […] })`,
  )
}

/** Begins a condition. */
function where(...condition) {
  return new Condition([]).where(...condition)
}

module.exports = { Conditions, asFilter, filterOf, where }
