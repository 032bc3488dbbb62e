'use strict'

const { types } = require('node:util')
const { KIND, classify } = require('../codec/classify')
const { LodestoreError } = require('../errors')
const { describe } = require('../options/check')
const { Expression } = require('./expression')
const { Parameter } = require('./parameter')
const { copyTypedArray } = require('./typed-arrays')

/** Values within values; what refers to itself ends here, too. */
const DEEPEST = 900
/*
 * What is copied at most, since it is copied at once: some 25 ms for 100,000 objects, less for as
 * many numbers. Objects and arrays that are used several times count as often.
 */
const MOST_OBJECTS = 250_000
/** Of one object. */
const MOST_FIELDS = 50_000
/** Of all arrays. */
const MOST_ELEMENTS = 2_000_000
/** Of a path in a message. */
const LONGEST_PATH = 200

/** The filter that an object stands for. */
const FILTER_OF = Symbol('filter of')

/** What stands somewhere in a filter, which decides what a parameter there may be. */
const LEVEL = Object.freeze({
  /** Fields and logical operators. */
  FILTER: 0,
  /** A list of filters. */
  FILTERS: 1,
  /** The condition on a field: operators, or a value to be equal to. */
  CONDITION: 2,
  OPERATORS: 3,
  VALUE: 4,
  /** An expression, or what may hold some. */
  EXPRESSION: 5,
})

/**
 * Copies what the user gave to a query: plain objects and arrays, in which no code of the user
 * runs, nothing is shared, and expressions are spelled out. Later changes of the original do not
 * matter.
 */
class Capture {
  /**
   * @param {string} what what is copied, for messages
   * @param {string} code of errors
   * @param {boolean} allowsParameters
   */
  constructor(what, code, allowsParameters) {
    this.what = what
    this.code = code
    this.allowsParameters = allowsParameters
    this.path = []
    this.objects = 0
    this.elements = 0
  }

  /** @throws {LodestoreError} if there are more than `most` of something */
  limit(count, most, what) {
    if (count > most) this.refuse(`it has more than ${most} ${what}`)
  }

  /** @throws {LodestoreError} */
  refuse(why) {
    const path = shortened(this.path.join('.'))
    const place = path === '' ? this.what : `${this.what}, ${path}`
    throw new LodestoreError(this.code, `${place}: ${why}`, path === '' ? undefined : { path })
  }

  /** Copies any value. */
  copy(value, level) {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.copyObject(value, level)
      case 'function':
        return this.refuse(
          'a function cannot run inside the database; use .filter(function) on the query',
        )
      case 'symbol':
        return this.refuse('a symbol is not a value that documents hold')
      default:
        return value
    }
  }

  copyObject(object, level) {
    if (object instanceof Parameter) return this.parameter(object, level)
    if (object instanceof Expression) return this.expression(object, level)
    if (FILTER_OF in object) return this.conditions(object, level)
    if (this.path.length > DEEPEST) this.refuse(`it is nested deeper than ${DEEPEST}`)
    this.limit(++this.objects, MOST_OBJECTS, 'objects')
    if (Array.isArray(object)) return this.copyArray(object, level)
    const kind = classify(object, Object.getPrototypeOf(object))
    return kind === KIND.PLAIN ? this.copyFields(object, level) : this.copySpecial(object, kind)
  }

  parameter(parameter, level) {
    if (!this.allowsParameters) {
      this.refuse(`the parameter '${parameter.name}' has no value; use prepare`)
    }
    // Whatever is put in later is a value, never an operator or the name of a field.
    if (level === LEVEL.CONDITION) return { $eq: parameter }
    if (level === LEVEL.EXPRESSION) return { $literal: parameter }
    if (level === LEVEL.VALUE) return parameter
    return this.refuse('a parameter stands for a value')
  }

  expression(expression, level) {
    const node = this.copy(Expression.nodeOf(expression), LEVEL.EXPRESSION)
    if (level === LEVEL.FILTER) return { $expr: node }
    if (level === LEVEL.EXPRESSION) return node
    return this.refuse('an expression stands in $expr, as in { $expr: expr.field(…).gt(…) }')
  }

  /** Conditions stand for their filter. */
  conditions(conditions, level) {
    if (level === LEVEL.FILTER || level === LEVEL.EXPRESSION) {
      return this.copy(conditions[FILTER_OF], LEVEL.FILTER)
    }
    return this.refuse('conditions stand where a filter does')
  }

  copyArray(array, level) {
    const inner = level === LEVEL.FILTERS ? LEVEL.FILTER : innerLevel(level)
    const { path } = this
    const { length } = array
    this.elements += length
    this.limit(this.elements, MOST_ELEMENTS, 'elements')
    const copy = new Array(length)
    for (let i = 0; i < length; i++) {
      const item = array[i]
      if (typeof item === 'number' || typeof item === 'string') {
        copy[i] = item
        continue
      }
      path.push(i)
      copy[i] = this.copy(item, inner)
      path.pop()
    }
    return copy
  }

  copyFields(object, level) {
    const { path } = this
    const names = Object.keys(object)
    this.limit(names.length, MOST_FIELDS, 'fields')
    const around = level === LEVEL.CONDITION ? levelOfCondition(names) : level
    const copy = names.includes('__proto__') ? Object.create(null) : {}
    for (const name of names) {
      path.push(name)
      copy[name] = this.copy(object[name], levelOfField(around, name))
      path.pop()
    }
    return copy
  }

  /** Copies an object of a built-in type, of a kind that has been found out. */
  copySpecial(object, kind) {
    if (types.isRegExp(object)) return new RegExp(object.source, object.flags)
    try {
      const copy = kind === KIND.VIEW ? copyTypedArray(object) : undefined
      return copy ?? structuredClone(object)
    } catch {
      return this.refuse(`${describe(object)} is not a value that documents hold`)
    }
  }
}

function shortened(path) {
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path
}

/** What is inside of an array at a level. */
function innerLevel(level) {
  return level === LEVEL.EXPRESSION ? LEVEL.EXPRESSION : LEVEL.VALUE
}

function levelOfCondition(names) {
  return isOperator(names[0]) ? LEVEL.OPERATORS : LEVEL.VALUE
}

function isOperator(name) {
  return name !== undefined && name.startsWith('$')
}

/** What stands in a field of an object at a level. */
function levelOfField(level, name) {
  switch (level) {
    case LEVEL.FILTER:
      if (name === '$and' || name === '$or' || name === '$nor') return LEVEL.FILTERS
      if (name === '$expr') return LEVEL.EXPRESSION
      return isOperator(name) ? LEVEL.OPERATORS : LEVEL.CONDITION
    case LEVEL.OPERATORS:
      if (name === '$elemMatch') return LEVEL.FILTER
      return name === '$not' ? LEVEL.OPERATORS : LEVEL.VALUE
    case LEVEL.EXPRESSION:
      return name === '$literal' ? LEVEL.VALUE : LEVEL.EXPRESSION
    default:
      return LEVEL.VALUE
  }
}

/**
 * Copies a filter.
 *
 * @param {unknown} filter
 * @param {boolean} [allowsParameters] whether `expr.param` may stand in it
 * @returns {unknown}
 * @throws {LodestoreError} INVALID_QUERY
 */
function captureFilter(filter, allowsParameters = false) {
  return new Capture('the filter', 'INVALID_QUERY', allowsParameters).copy(filter, LEVEL.FILTER)
}

/**
 * Copies another part of a query, or an update: in both, expressions may stand anywhere.
 *
 * @param {string} what what it is, for messages
 * @param {unknown} value
 * @param {string} [code] of errors
 * @returns {unknown}
 * @throws {LodestoreError} of the code
 */
function captureValue(what, value, code = 'INVALID_QUERY') {
  return new Capture(what, code, false).copy(value, LEVEL.EXPRESSION)
}

/**
 * Copies a value that is no more than that.
 *
 * @param {string} what what it is, for messages
 * @param {unknown} value
 * @returns {unknown}
 * @throws {LodestoreError} INVALID_QUERY
 */
function captureLiteral(what, value) {
  return new Capture(what, 'INVALID_QUERY', false).copy(value, LEVEL.VALUE)
}

module.exports = { FILTER_OF, captureFilter, captureLiteral, captureValue }
