'use strict'

const { isProxy } = require('node:util').types
const { EMPTY, anything, boolean, checkOptions, integer } = require('./check')

const MOST_ROWS = 2 ** 32 - 1

const READ_OPTIONS = {
  reverse: boolean,
  limit: integer(0, MOST_ROWS),
  offset: integer(0, MOST_ROWS),
}

const INDEX_READ_OPTIONS = { ...READ_OPTIONS, unique: boolean }

const BOUNDS = ['gt', 'gte', 'lt', 'lte']

/** What an object may have that holds bounds and options. */
const MEMBERS = withBounds(READ_OPTIONS)
const INDEX_MEMBERS = withBounds(INDEX_READ_OPTIONS)

function withBounds(options) {
  return { ...Object.fromEntries(BOUNDS.map((name) => [name, anything])), ...options }
}

/**
 * Takes the arguments of a read apart: bounds and options may stand in one object, or the options
 * in one behind the query.
 *
 * @param {string} method
 * @param {unknown} query a key, KeyRange, bounds with or without options, or undefined
 * @param {unknown} options
 * @param {boolean} inIndex whether `unique` is an option
 * @returns {{ query: unknown, options: { reverse?: boolean, limit?: number, offset?: number,
 *   unique?: boolean } }} a bound that is there but undefined stays, to be refused as a key
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function splitQuery(method, query, options, inIndex) {
  if (options !== undefined) {
    const specification = inIndex ? INDEX_READ_OPTIONS : READ_OPTIONS
    return { query, options: checkOptions(method, options, specification) }
  }
  if (!isPlainObject(query)) return { query, options: EMPTY }
  const checked = checkOptions(method, query, inIndex ? INDEX_MEMBERS : MEMBERS, 'query')
  let bounds
  for (const name of Object.keys(query)) {
    if (!BOUNDS.includes(name)) continue
    bounds ??= {}
    bounds[name] = checked[name]
  }
  return { query: bounds, options: checked }
}

/** Whether a value is an object literal, which no key and no KeyRange is. */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null || isProxy(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

module.exports = { BOUNDS, isPlainObject, splitQuery }
