'use strict'

const { isProxy } = require('node:util').types
const { anything, boolean, checkOptions, integer } = require('./check')

const MOST_ROWS = 2 ** 32 - 1

const BOUNDS = { gt: anything, gte: anything, lt: anything, lte: anything }

const READ_OPTIONS = {
  reverse: boolean,
  limit: integer(0, MOST_ROWS),
  offset: integer(0, MOST_ROWS),
}

const INDEX_READ_OPTIONS = { ...READ_OPTIONS, unique: boolean }

/**
 * Takes the arguments of a read apart: bounds and options may stand in one object, or the options
 * in one behind the query.
 *
 * @param {string} method
 * @param {unknown} query a key, KeyRange, bounds with or without options, or undefined
 * @param {unknown} options
 * @param {boolean} inIndex whether `unique` is an option
 * @returns {{ query: unknown, options: { reverse?: boolean, limit?: number, offset?: number,
 *   unique?: boolean } }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function splitQuery(method, query, options, inIndex) {
  const specification = inIndex ? INDEX_READ_OPTIONS : READ_OPTIONS
  if (options !== undefined) {
    return { query, options: checkOptions(method, options, specification) }
  }
  if (!isPlainObject(query)) return { query, options: {} }
  const checked = checkOptions(method, query, { ...BOUNDS, ...specification }, 'query')
  const { reverse, limit, offset, unique, ...bounds } = checked
  const isBounded = Object.keys(bounds).length > 0
  return { query: isBounded ? bounds : undefined, options: { reverse, limit, offset, unique } }
}

/** Whether a value is an object literal, which no key and no KeyRange is. */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null || isProxy(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

module.exports = { splitQuery, isPlainObject }
