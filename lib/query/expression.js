'use strict'

const { nonEmptyString, checkArgument } = require('../options/check')
const { Parameter } = require('./parameter')

/**
 * What is computed from a document. Immutable: each method gives a new one, which is nothing but
 * another way to write `{ $multiply: ['$price', '$quantity'] }`: its own fields are those of that
 * object, so that it may stand in an update.
 */
class Expression {
  #node

  constructor(node) {
    this.#node = node
    const spelledOut = spellOut(node)
    const isObject = typeof spelledOut === 'object' && !Array.isArray(spelledOut)
    // A field's name or a list alone would be taken for a value.
    Object.assign(this, isObject ? spelledOut : { $let: { vars: {}, in: spelledOut } })
    Object.freeze(this)
  }

  /** The object or value that it stands for, expressions inside not yet spelled out. */
  static nodeOf(expression) {
    return expression.#node
  }

  /** The same as a plain object or value, as `JSON.stringify` shows it. */
  toJSON() {
    return spellOut(this.#node)
  }
}

function spellOut(node) {
  if (node instanceof Expression) return spellOut(Expression.nodeOf(node))
  if (Array.isArray(node)) return node.map(spellOut)
  const isPlain = typeof node === 'object' && Object.getPrototypeOf(node ?? 0) === Object.prototype
  if (!isPlain || Object.hasOwn(node, '$literal')) return node
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, spellOut(value)]))
}

/** Operators that take further operands, by the name of the method. */
const CHAINED = {
  plus: '$add',
  minus: '$subtract',
  times: '$multiply',
  dividedBy: '$divide',
  mod: '$mod',
  pow: '$pow',
  log: '$log',
  eq: '$eq',
  ne: '$ne',
  gt: '$gt',
  gte: '$gte',
  lt: '$lt',
  lte: '$lte',
  cmp: '$cmp',
  and: '$and',
  or: '$or',
  ifNull: '$ifNull',
  concat: '$concat',
  split: '$split',
  substr: '$substr',
  at: '$arrayElemAt',
  slice: '$slice',
  concatArrays: '$concatArrays',
  in: '$in',
  indexOf: '$indexOfArray',
  round: '$round',
  trunc: '$trunc',
  sum: '$sum',
  avg: '$avg',
  min: '$min',
  max: '$max',
}

/** Operators of one operand. */
const SINGLE = {
  abs: '$abs',
  floor: '$floor',
  ceil: '$ceil',
  sqrt: '$sqrt',
  ln: '$ln',
  log10: '$log10',
  exp: '$exp',
  not: '$not',
  toUpper: '$toUpper',
  toLower: '$toLower',
  length: '$length',
  size: '$size',
  reverse: '$reverseArray',
  type: '$type',
  isArray: '$isArray',
  toString: '$toString',
  toNumber: '$toNumber',
  toDate: '$toDate',
  toBool: '$toBool',
  year: '$year',
  month: '$month',
  dayOfMonth: '$dayOfMonth',
  dayOfWeek: '$dayOfWeek',
  dayOfYear: '$dayOfYear',
  hour: '$hour',
  minute: '$minute',
  second: '$second',
  millisecond: '$millisecond',
}

/** Operators whose operands have names, and the name of the first one. */
const NAMED = {
  trim: ['$trim', 'input'],
  replaceAll: ['$replaceAll', 'input', 'find', 'replacement'],
  regexMatch: ['$regexMatch', 'input', 'regex', 'options'],
  dateAdd: ['$dateAdd', 'startDate', 'unit', 'amount'],
  dateDiff: ['$dateDiff', 'startDate', 'endDate', 'unit'],
  dateTrunc: ['$dateTrunc', 'date', 'unit'],
  dateToString: ['$dateToString', 'date', 'format'],
  filter: ['$filter', 'input', 'as', 'cond'],
  map: ['$map', 'input', 'as', 'in'],
  reduce: ['$reduce', 'input', 'initialValue', 'in'],
}

/** Words that are no operands. */
const WORDS = new Set(['as', 'unit'])

function defineMethod(name, method) {
  Object.defineProperty(method, 'name', { value: name })
  Object.defineProperty(Expression.prototype, name, {
    value: method,
    configurable: true,
    writable: true,
  })
}

for (const [name, operator] of Object.entries(CHAINED)) {
  defineMethod(name, function (...operands) {
    // The operand of one alone is no list: { $round: '$price' }.
    const node = operands.length === 0 ? this : [this, ...operands.map(operandOf)]
    return new Expression({ [operator]: node })
  })
}

for (const [name, operator] of Object.entries(SINGLE)) {
  defineMethod(name, function () {
    return new Expression({ [operator]: this })
  })
}

for (const [name, [operator, first, ...others]] of Object.entries(NAMED)) {
  defineMethod(name, function (...operands) {
    const node = { [first]: this }
    for (const [i, other] of others.entries()) {
      if (operands[i] === undefined) continue
      node[other] = WORDS.has(other) ? operands[i] : operandOf(operands[i])
    }
    return new Expression({ [operator]: node })
  })
}

/** An operand: an expression, or a value, which is never taken for the name of a field. */
function operandOf(value) {
  if (value instanceof Expression) return value
  if (value instanceof Parameter) return { $literal: value }
  if (typeof value === 'string') return value.startsWith('$') ? { $literal: value } : value
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return { $literal: value }
}

/** Where expressions begin. */
const expr = Object.freeze({
  /** A field of the document; dots lead into objects. */
  field: (path) => new Expression(`$${checkArgument('expr.field', path, nonEmptyString, 'path')}`),

  /** A variable: `NOW`, `ROOT`, or one that `filter`, `map` or `reduce` names. */
  variable: (name) =>
    new Expression(`$$${checkArgument('expr.variable', name, nonEmptyString, 'name')}`),

  /** A value as it is. */
  literal: (value) => new Expression({ $literal: value }),

  /** A value that `run` of a prepared query gives. */
  param: (name) => new Parameter(checkArgument('expr.param', name, nonEmptyString, 'name')),

  /** An array of expressions or values. */
  array: (...items) => new Expression(items.map(operandOf)),

  /** One of two, by a condition. */
  cond: (condition, whenTrue, whenFalse) =>
    new Expression({ $cond: [condition, whenTrue, whenFalse].map(operandOf) }),

  /** The time at which the operation began. */
  now: () => new Expression('$$NOW'),

  /** An expression that is written as an object, such as `{ $add: ['$a', 1] }`. */
  of: (node) => new Expression(node),
})

module.exports = { Expression, expr }
