'use strict'

const { KeyRange, copyKey, encodeIndexKey, encodeKey, toRange } = require('./key')

const HAS_LOWER = 1
const LOWER_OPEN = 2
const HAS_UPPER = 4
const UPPER_OPEN = 8

/**
 * A range of keys as requests take it. Its bounds are copies, so that writing them runs no code of
 * the user.
 *
 * @typedef {object} Range
 * @property {number} bits which bounds there are, and which are open
 * @property {unknown} lower
 * @property {unknown} upper
 * @property {boolean} inIndex whether null and booleans are keys
 */

/** @type {Range} */
const EVERYTHING = Object.freeze({ bits: 0, lower: undefined, upper: undefined, inIndex: false })

/**
 * The range that a query names.
 *
 * @param {unknown} query a KeyRange, bounds, a key, or undefined for everything
 * @param {boolean} inIndex whether null and booleans are keys
 * @returns {Range}
 * @throws {LodestoreError} INVALID_KEY, INVALID_ARGUMENT
 */
function rangeOf(query, inIndex) {
  if (query === undefined) return EVERYTHING
  const named = toRange(query, inIndex)
  const { lowerOpen, upperOpen } = named
  let { lower, upper } = named
  if (query instanceof KeyRange) {
    // Its bounds are public, and dates and arrays can be changed.
    const same = lower === upper
    lower = inertKey(lower)
    upper = same ? lower : inertKey(upper)
  }
  return rangeBetween({ lower, upper, lowerOpen, upperOpen }, inIndex)
}

/**
 * The range between bounds that nobody else changes; those that are undefined are none.
 *
 * @returns {Range}
 */
function rangeBetween({ lower, upper, lowerOpen, upperOpen }, inIndex) {
  let bits = 0
  if (lower !== undefined) bits |= lowerOpen ? HAS_LOWER | LOWER_OPEN : HAS_LOWER
  if (upper !== undefined) bits |= upperOpen ? HAS_UPPER | UPPER_OPEN : HAS_UPPER
  return { bits, lower, upper, inIndex }
}

/** The range of one key, which nobody else changes. @returns {Range} */
function rangeOfKey(key, inIndex) {
  return { bits: HAS_LOWER | HAS_UPPER, lower: key, upper: key, inIndex }
}

/** Whether a range is of one key. */
function isOfKey({ bits, lower, upper }) {
  return bits === (HAS_LOWER | HAS_UPPER) && lower === upper
}

/** A range without what is below a key, in reverse without what is above. @returns {Range} */
function rangeFrom({ bits, lower, upper }, key, isReverse, inIndex) {
  return isReverse
    ? { bits: (bits & ~UPPER_OPEN) | HAS_UPPER, lower, upper: key, inIndex }
    : { bits: (bits & ~LOWER_OPEN) | HAS_LOWER, lower: key, upper, inIndex }
}

function inertKey(key) {
  return typeof key === 'object' ? copyKey(key) : key
}

/**
 * Writes a range: `u8 bits | u32 length | lower | u32 length | upper`.
 *
 * @param {import('./codec').WriteBuffer} writer
 * @param {Range} range
 * @throws {LodestoreError} INVALID_KEY for a bound that is too long
 */
function writeRange(writer, { bits, lower, upper, inIndex }) {
  writer.writeU8(bits)
  const from = writer.position
  if ((bits & HAS_LOWER) === 0) writer.writeU32(0)
  else writeBound(writer, lower, inIndex)
  if ((bits & HAS_UPPER) === 0) writer.writeU32(0)
  else if (lower === upper) repeat(writer, from)
  else writeBound(writer, upper, inIndex)
}

function writeBound(writer, key, inIndex) {
  const encode = inIndex ? encodeIndexKey : encodeKey
  const lengthAt = writer.position
  writer.writeU32(0)
  const from = writer.position
  let end = encode(key, writer.buffer, from)
  if (end < 0) {
    writer.ensure(-end - from)
    end = encode(key, writer.buffer, from)
  }
  writer.position = end
  writer.view.setUint32(lengthAt, end - from, true)
}

/** Writes again what stands from `from` on. */
function repeat(writer, from) {
  const end = writer.position
  writer.ensure(end - from)
  writer.buffer.copyWithin(end, from, end)
  writer.position = end + end - from
}

module.exports = {
  EVERYTHING,
  isOfKey,
  rangeBetween,
  rangeFrom,
  rangeOf,
  rangeOfKey,
  writeRange,
}
