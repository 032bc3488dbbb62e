'use strict'

const { isDate, isProxy } = require('node:util').types
const { LodestoreError } = require('../errors.js')
const { compare, copyKey } = require('./compare.js')

/** Known only here, so that ranges come from the static methods. */
const CONSTRUCT = Symbol('construct')

/** A range of keys, as IndexedDB's IDBKeyRange. Immutable; an absent bound is undefined. */
class KeyRange {
  #lower
  #upper
  #lowerOpen
  #upperOpen

  constructor(token, lower, upper, lowerOpen, upperOpen) {
    if (token !== CONSTRUCT) {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        'Use KeyRange.only, lowerBound, upperBound or bound to make a key range',
      )
    }
    this.#lower = lower
    this.#upper = upper
    this.#lowerOpen = lowerOpen
    this.#upperOpen = upperOpen
  }

  /**
   * The range of one key.
   * @throws {LodestoreError} INVALID_KEY
   */
  static only(value) {
    const key = copyKey(value)
    return new KeyRange(CONSTRUCT, key, key, false, false)
  }

  /**
   * Keys from `lower` on; without `lower` itself if `open`.
   * @throws {LodestoreError} INVALID_KEY
   */
  static lowerBound(lower, open = false) {
    return new KeyRange(CONSTRUCT, copyKey(lower), undefined, Boolean(open), true)
  }

  /**
   * Keys up to `upper`; without `upper` itself if `open`.
   * @throws {LodestoreError} INVALID_KEY
   */
  static upperBound(upper, open = false) {
    return new KeyRange(CONSTRUCT, undefined, copyKey(upper), true, Boolean(open))
  }

  /**
   * Keys from `lower` to `upper`, without those that are open.
   * @throws {LodestoreError} INVALID_KEY; INVALID_ARGUMENT if no key can be in the range: `lower`
   *   is above `upper`, or equals it and one is open
   */
  static bound(lower, upper, lowerOpen = false, upperOpen = false) {
    const from = copyKey(lower)
    const to = copyKey(upper)
    const order = compare(from, to)
    if (order > 0) {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        'The lower bound of a key range is above its upper bound',
      )
    }
    if (order === 0 && (lowerOpen || upperOpen)) {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        'A key range with equal bounds must include both',
      )
    }
    return new KeyRange(CONSTRUCT, from, to, Boolean(lowerOpen), Boolean(upperOpen))
  }

  /** The lower bound, or undefined. */
  get lower() {
    return this.#lower
  }

  /** The upper bound, or undefined. */
  get upper() {
    return this.#upper
  }

  /** Whether the lower bound itself is excluded; true without one. */
  get lowerOpen() {
    return this.#lowerOpen
  }

  /** Whether the upper bound itself is excluded; true without one. */
  get upperOpen() {
    return this.#upperOpen
  }

  /**
   * Whether `value` is in the range.
   * @returns {boolean}
   * @throws {LodestoreError} INVALID_KEY
   */
  includes(value) {
    return isWithin(this, copyKey(value))
  }
}

/**
 * Whether a key lies between bounds; those that are undefined are none.
 * @param {{ lower: unknown, upper: unknown, lowerOpen: boolean, upperOpen: boolean }} bounds
 * @param {unknown} key a valid one
 */
function isWithin({ lower, upper, lowerOpen, upperOpen }, key) {
  if (lower !== undefined) {
    const order = compare(lower, key)
    if (order > 0 || (order === 0 && lowerOpen)) return false
  }
  if (upper !== undefined) {
    const order = compare(key, upper)
    if (order > 0 || (order === 0 && upperOpen)) return false
  }
  return true
}

/**
 * The range that a query names: a KeyRange, a key, bounds (`{ gt, gte, lt, lte }`), or undefined
 * for all keys. Bounds may leave nothing between them; then no key is in the range.
 * @param {unknown} query
 * @param {boolean} [inIndex] whether null and booleans are admitted
 * @returns {{ lower: unknown, upper: unknown, lowerOpen: boolean, upperOpen: boolean }}
 *   an absent bound is undefined and open
 * @throws {LodestoreError} INVALID_KEY, or INVALID_ARGUMENT for unknown or contradictory members
 */
function toRange(query, inIndex = false) {
  if (query instanceof KeyRange) return query
  if (query === undefined) return range(undefined, undefined, true, true)
  if (isBounds(query)) return boundsToRange(query, inIndex)
  const key = copyKey(query, inIndex)
  return range(key, key, false, false)
}

function range(lower, upper, lowerOpen, upperOpen) {
  return { lower, upper, lowerOpen, upperOpen }
}

/** Whether a value is a plain object, which no key is. */
function isBounds(value) {
  if (typeof value !== 'object' || value === null || isProxy(value) || isDate(value)) return false
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return false
  // An Object.prototype of another realm counts, too.
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function boundsToRange(bounds, inIndex) {
  const result = range(undefined, undefined, true, true)
  for (const name of Object.keys(bounds)) {
    const isLower = name === 'gt' || name === 'gte'
    if (!isLower && name !== 'lt' && name !== 'lte') {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        `A key range has no member '${name}'; it may have gt or gte, and lt or lte`,
        { path: name },
      )
    }
    const side = isLower ? 'lower' : 'upper'
    if (result[side] !== undefined) {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        `A key range cannot have both ${isLower ? 'gt and gte' : 'lt and lte'}`,
        { path: name },
      )
    }
    result[side] = copyKey(bounds[name], inIndex)
    result[isLower ? 'lowerOpen' : 'upperOpen'] = name.length === 2
  }
  return result
}

module.exports = { KeyRange, isWithin, toRange }
