'use strict'

const { isWithin } = require('../key/key-range')
const { EVERYTHING, rangeBetween, rangeOfKey } = require('../range')
const { exception } = require('./exceptions')
const { compare, toKey } = require('./keys')
const { INTERNAL, checkInternal, defineInterface, requireArguments } = require('./web-idl')

/** The range that a value is, or null. @type {(value: unknown) => IDBKeyRange | null} */
let boundsOf

/** A range of keys. Immutable. */
class IDBKeyRange {
  #lower
  #upper
  #lowerOpen
  #upperOpen

  constructor() {
    const [token, lower, upper, lowerOpen, upperOpen] = arguments
    checkInternal(token, 'IDBKeyRange')
    this.#lower = lower
    this.#upper = upper
    this.#lowerOpen = lowerOpen
    this.#upperOpen = upperOpen
  }

  static only(value) {
    requireArguments(arguments, 1, 'IDBKeyRange.only')
    const key = toKey(value)
    return new IDBKeyRange(INTERNAL, key, key, false, false)
  }

  static lowerBound(lower, open = false) {
    requireArguments(arguments, 1, 'IDBKeyRange.lowerBound')
    return new IDBKeyRange(INTERNAL, toKey(lower), undefined, Boolean(open), true)
  }

  static upperBound(upper, open = false) {
    requireArguments(arguments, 1, 'IDBKeyRange.upperBound')
    return new IDBKeyRange(INTERNAL, undefined, toKey(upper), true, Boolean(open))
  }

  static bound(lower, upper, lowerOpen = false, upperOpen = false) {
    requireArguments(arguments, 2, 'IDBKeyRange.bound')
    const from = toKey(lower)
    const to = toKey(upper)
    const order = compare(from, to)
    if (order > 0 || (order === 0 && (lowerOpen || upperOpen))) {
      throw exception('DataError', 'No key can be between the lower and the upper bound')
    }
    return new IDBKeyRange(INTERNAL, from, to, Boolean(lowerOpen), Boolean(upperOpen))
  }

  get lower() {
    return this.#lower
  }

  get upper() {
    return this.#upper
  }

  get lowerOpen() {
    return this.#lowerOpen
  }

  get upperOpen() {
    return this.#upperOpen
  }

  includes(key) {
    void this.#lower
    requireArguments(arguments, 1, 'includes')
    return isWithin(this, toKey(key))
  }

  static {
    boundsOf = (value) =>
      typeof value === 'object' && value !== null && #lower in value ? value : null
  }
}
defineInterface(IDBKeyRange)

/**
 * The range that an argument names, as requests take it ("convert a value to a key range").
 *
 * @param {unknown} value a key range, a key or, if `allowsNothing`, undefined or null for all keys
 * @param {boolean} inIndex
 * @param {boolean} allowsNothing
 * @returns {import('../range').Range}
 * @throws {DOMException} DataError
 */
function toRange(value, inIndex, allowsNothing) {
  const bounds = boundsOf(value)
  if (bounds === null) {
    if (value === undefined || value === null) {
      if (allowsNothing) return EVERYTHING
      throw exception('DataError', 'A key or key range must be given')
    }
    return rangeOfKey(toKey(value), inIndex)
  }
  return rangeBetween(bounds, inIndex)
}

module.exports = { IDBKeyRange, boundsOf, toRange }
