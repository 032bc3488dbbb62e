'use strict'

const {
  abortSignal,
  anything,
  boolean,
  checkArgument,
  checkOptions,
  integer,
  invalidArgument,
  nonEmptyString,
  oneOf,
} = require('../options/check')
const { captureValue } = require('./capture')

const MOST_ROWS = 2 ** 32 - 1
/** Documents of one page. */
const MOST_PER_PAGE = 100_000

const rowCount = integer(0, MOST_ROWS)

const FIND_OPTIONS = {
  sort: anything,
  select: anything,
  limit: rowCount,
  skip: rowCount,
  offset: rowCount,
  collation: anything,
  hint: nonEmptyString,
  signal: abortSignal,
}

const PAGE_OPTIONS = {
  size: integer(1, MOST_PER_PAGE),
  after: { allows: 'a token of a page, or null', accepts: isToken },
  before: { allows: 'a token of a page, or null', accepts: isToken },
  explain: boolean,
}

const EXPLAIN_OPTIONS = { format: oneOf('json', 'text') }

function isToken(value) {
  return typeof value === 'string' || value === null
}

/**
 * What a query is made of beside its conditions, each part checked or captured.
 *
 * @typedef {object} Parts
 * @property {unknown} [sort]
 * @property {unknown} [select]
 * @property {number} [limit]
 * @property {number} [skip]
 * @property {unknown} [collation]
 * @property {string} [hint]
 * @property {AbortSignal} [signal]
 */

/** @type {Parts} */
const NO_PARTS = Object.freeze({})

/**
 * Checks the options of a method that makes a query.
 *
 * @param {string} method
 * @param {unknown} options
 * @returns {Parts}
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function checkFind(method, options) {
  if (options === undefined) return NO_PARTS
  const { offset, ...parts } = checkOptions(method, options, FIND_OPTIONS)
  if (offset !== undefined) {
    if (parts.skip !== undefined) {
      throw invalidArgument(
        `${method}: options.skip and options.offset mean the same; give one`,
        'options.offset',
      )
    }
    parts.skip = offset
  }
  if (parts.sort !== undefined) parts.sort = captureValue('the sort', parts.sort)
  if (parts.collation !== undefined) parts.collation = checkCollation(parts.collation)
  if (parts.select !== undefined) parts.select = captureValue('the selection', parts.select)
  return parts
}

/** Takes a copy of an order of strings. */
function checkCollation(collation) {
  return captureValue('the collation', collation)
}

/** Checks a number of rows. */
function checkRows(method, count) {
  return checkArgument(method, count, rowCount, 'count')
}

/** Checks the name of an index. */
function checkHint(name) {
  return checkArgument('hint', name, nonEmptyString, 'name')
}

/** Checks the signal that ends a query. */
function checkSignal(signal) {
  return checkArgument('signal', signal, abortSignal, 'signal')
}

/**
 * Checks the options of `page`.
 *
 * @param {unknown} options
 * @param {{ size?: number, after?: string }} defaults
 * @returns {{ size: number, after?: string, before?: string, explain?: boolean }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkPage(options, defaults) {
  const given = checkOptions('page', options, PAGE_OPTIONS)
  const { size = defaults.size } = given
  const before = given.before ?? undefined
  const after = given.after ?? (before === undefined ? defaults.after : undefined)
  if (size === undefined || size === 0) {
    throw invalidArgument('page: options.size says how many documents a page has', 'options.size')
  }
  if (after !== undefined && before !== undefined) {
    const message = 'page: options.after and options.before cannot both be given'
    throw invalidArgument(message, 'options.before')
  }
  const which = { size }
  if (after !== undefined) which.after = after
  if (before !== undefined) which.before = before
  if (given.explain) which.explain = true
  return which
}

/** Checks the options of `explain`. @returns {'json' | 'text'} */
function checkExplain(options) {
  return checkOptions('explain', options, EXPLAIN_OPTIONS).format ?? 'json'
}

module.exports = {
  checkCollation,
  checkExplain,
  checkFind,
  checkHint,
  checkPage,
  checkRows,
  checkSignal,
}
