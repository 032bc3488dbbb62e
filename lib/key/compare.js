'use strict'

/*
 * The order of keys, from their values alone (Indexed Database API 3.0, "compare two keys").
 * Independent of the encoder, whose tests take it as the oracle.
 */

const { isDate, isProxy } = require('node:util').types
const { MAX_DEPTH, MAX_KEY_BYTES } = require('./tags.js')
const { bytesOf } = require('./binary.js')
const { CYCLE, HOLE, TOO_DEEP, describe, invalidKey, keyTooLong } = require('./key-errors.js')

const MIN_BIGINT = -(2n ** 63n)
const MAX_BIGINT = 2n ** 64n - 1n
const getTime = Date.prototype.getTime

/**
 * Compares two keys of stores, as `indexedDB.cmp` does.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {-1 | 0 | 1}
 * @throws {LodestoreError} INVALID_KEY
 */
function compareKeys(a, b) {
  return compare(copyKey(a), copyKey(b))
}

/**
 * Compares two keys of indexes, where null < false < true < all keys of stores.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {-1 | 0 | 1}
 * @throws {LodestoreError} INVALID_KEY
 */
function compareIndexKeys(a, b) {
  return compare(copyKey(a, true), copyKey(b, true))
}

/**
 * A copy of a valid key that nothing else can change: dates, binary values (as ArrayBuffer) and
 * arrays are new. Accessors of arrays run once.
 * @param {unknown} value
 * @param {boolean} [inIndex] whether null and booleans are admitted
 * @param {boolean} [hasBigInts] whether BigInts are
 * @returns {unknown}
 * @throws {LodestoreError} INVALID_KEY
 */
function copyKey(value, inIndex = false, hasBigInts = true) {
  if (typeof value === 'string' && value.length <= 1024) return value
  return copy(value, { inIndex, hasBigInts, ancestors: [], position: [], size: 0 })
}

function copy(value, state) {
  state.size++
  let valid = false
  switch (typeof value) {
    case 'number':
      valid = !Number.isNaN(value)
      break
    case 'bigint':
      valid = state.hasBigInts && value >= MIN_BIGINT && value <= MAX_BIGINT
      break
    case 'string':
      state.size += value.length
      valid = true
      break
    case 'boolean':
      valid = state.inIndex
      break
    case 'object':
      if (value !== null) return copyObject(value, state)
      valid = state.inIndex
      break
  }
  if (!valid) throw invalid(describe(value), state)
  if (state.size > MAX_KEY_BYTES) throw keyTooLong()
  return value
}

function copyObject(value, state) {
  if (isProxy(value)) throw invalid(describe(value), state)
  if (Array.isArray(value)) return copyArray(value, state)
  if (isDate(value)) {
    const time = getTime.call(value)
    if (Number.isNaN(time)) throw invalid(describe(value), state)
    return new Date(time)
  }
  const bytes = bytesOf(value)
  if (bytes === undefined) throw invalid(describe(value), state)
  state.size += bytes.length
  if (state.size > MAX_KEY_BYTES) throw keyTooLong()
  return new Uint8Array(bytes).buffer
}

function copyArray(array, state) {
  const depth = state.ancestors.length
  if (depth === MAX_DEPTH) throw invalid(TOO_DEEP, state)
  if (state.ancestors.includes(array)) throw invalid(CYCLE, state)
  state.ancestors.push(array)
  const elements = []
  const length = array.length
  for (let i = 0; i < length; i++) {
    state.position[depth] = i
    if (!Object.hasOwn(array, i)) throw invalid(HOLE, state)
    append(elements, copy(array[i], state))
  }
  state.ancestors.pop()
  return elements
}

/** Appends an element, past a setter of that place that Object.prototype may have. */
function append(elements, value) {
  const { length } = elements
  if (length in Array.prototype) {
    const own = { value, writable: true, enumerable: true, configurable: true }
    Object.defineProperty(elements, length, own)
  } else {
    elements.push(value)
  }
}

function invalid(what, state) {
  return invalidKey(what, state.position.slice(0, state.ancestors.length), state.inIndex)
}

/**
 * Compares two keys that `copyKey` gave.
 * @returns {-1 | 0 | 1}
 */
function compare(a, b) {
  const rank = rankOf(a)
  const otherRank = rankOf(b)
  if (rank !== otherRank) return rank < otherRank ? -1 : 1
  switch (rank) {
    case RANK_ARRAY:
      return compareElements(a, b, compare)
    case RANK_BINARY:
      return compareElements(new Uint8Array(a), new Uint8Array(b), compareOrdered)
    case RANK_DATE:
      return compareOrdered(a.getTime(), b.getTime())
    default:
      return compareOrdered(a, b)
  }
}

/** For numbers and BigInts, among which `<` is exact, and strings, where it goes by code unit. */
function compareOrdered(a, b) {
  if (a < b) return -1
  return a > b ? 1 : 0
}

function compareElements(a, b, compareElement) {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const order = compareElement(a[i], b[i])
    if (order !== 0) return order
  }
  return compareOrdered(a.length, b.length)
}

const RANK_DATE = 3
const RANK_BINARY = 5
const RANK_ARRAY = 6

function rankOf(key) {
  if (key === null) return 0
  switch (typeof key) {
    case 'boolean':
      return 1
    case 'number':
    case 'bigint':
      return 2
    case 'string':
      return 4
    default:
      if (Array.isArray(key)) return RANK_ARRAY
      return isDate(key) ? RANK_DATE : RANK_BINARY
  }
}

module.exports = { compare, compareKeys, compareIndexKeys, copyKey }
