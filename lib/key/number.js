'use strict'

/*
 * Numbers and dates in keys: the bits of the number, most significant first and without trailing
 * zeros, in groups of seven; the lowest bit of each byte says whether more groups follow. See
 * src/key/number.rs and docs/format.md.
 */

const { corruptKey } = require('./key-errors.js')

/** A tag and up to eleven groups. */
const MAX_NUMBER_BYTES = 12
const MAX_TIME = 8.64e15
const MIN_BIGINT = -(2n ** 63n)
const MAX_BIGINT = 2n ** 64n - 1n
const EXPONENT_BIAS = 1023

const double = new Float64Array(1)
const integer = new BigUint64Array(double.buffer)
const words = new Uint32Array(double.buffer)
double[0] = 1
const HIGH = words[1] === 0 ? 0 : 1
const LOW = 1 - HIGH

/**
 * Writes a number that is not NaN.
 * @param {number} tag
 * @param {number} value
 * @param {Buffer} buffer
 * @param {number} offset
 * @returns {number} the end, or minus the length that `buffer` needs
 */
const writeNumber = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (tag, value, buffer, offset) {
    if (offset + MAX_NUMBER_BYTES > buffer.length) return -(offset + MAX_NUMBER_BYTES)
    double[0] = value + 0
    let high = words[HIGH]
    let low = words[LOW]
    const flip = high >>> 31 === 0 ? 0 : 0xff
    high |= 0x80000000
    buffer[offset++] = tag
    while (low !== 0) {
      buffer[offset++] = ((high >>> 24) | 1) ^ flip
      high = (high << 7) | (low >>> 25)
      low <<= 7
    }
    for (;;) {
      const group = high >>> 24
      high <<= 7
      if (high === 0) {
        buffer[offset++] = (group & 0xfe) ^ flip
        return offset
      }
      buffer[offset++] = (group | 1) ^ flip
    }
  }
)

/**
 * Writes a BigInt.
 * @returns {number} the end, minus the length that `buffer` needs, or 0 if it is out of range
 */
function writeBigInt(tag, value, buffer, offset) {
  if (value < MIN_BIGINT || value > MAX_BIGINT) return 0
  const number = Number(value)
  if (Number.isSafeInteger(number)) return writeNumber(tag, number, buffer, offset)
  if (offset + MAX_NUMBER_BYTES > buffer.length) return -(offset + MAX_NUMBER_BYTES)

  const flip = value < 0n ? 0xff : 0
  integer[0] = value < 0n ? -value : value
  // At least 2^53, so the leading one is in the high word.
  const magnitudeHigh = words[HIGH]
  const zeros = Math.clz32(magnitudeHigh)
  const exponent = EXPONENT_BIAS + 63 - zeros
  const { high: fractionHigh, low: fractionLow } = shiftLeft(magnitudeHigh, words[LOW], zeros + 1)
  let high = 0x80000000 | (exponent << 20) | (fractionHigh >>> 12)
  let middle = (fractionHigh << 20) | (fractionLow >>> 12)
  let low = fractionLow << 20
  buffer[offset++] = tag
  for (;;) {
    const group = high >>> 24
    high = (high << 7) | (middle >>> 25)
    middle = (middle << 7) | (low >>> 25)
    low <<= 7
    if ((high | middle | low) === 0) {
      buffer[offset++] = (group & 0xfe) ^ flip
      return offset
    }
    buffer[offset++] = (group | 1) ^ flip
  }
}

/** Shifts 64 bits left by 1 to 31. */
function shiftLeft(high, low, by) {
  return { high: (high << by) | (low >>> (32 - by)), low: low << by }
}

/**
 * Reads the number at `cursor.offset` and moves it behind.
 * @param {Buffer} buffer
 * @param {{ offset: number }} cursor
 * @param {number} end
 * @returns {number | bigint}
 */
function readNumber(buffer, cursor, end) {
  let offset = cursor.offset
  if (offset >= end) throw malformed()
  const flip = buffer[offset] < 0x80 ? 0xff : 0
  let high = 0
  for (let shift = 25; shift >= 4; shift -= 7) {
    if (offset >= end) throw malformed()
    const group = buffer[offset++] ^ flip
    high |= (group >>> 1) << shift
    if ((group & 1) === 0) {
      if (group === 0 && shift !== 25) throw malformed()
      cursor.offset = offset
      return toDouble(high, 0, flip)
    }
  }
  return readLongNumber(buffer, offset, cursor, end, high, flip)
}

/** Continues after four groups, the first 28 bits of `high`. */
function readLongNumber(buffer, offset, cursor, end, high, flip) {
  let middle = 0
  let low = 0
  for (let position = 28; position < 77; position += 7) {
    if (offset >= end) throw malformed()
    const byte = buffer[offset++] ^ flip
    const group = byte >>> 1
    if (position === 28) {
      high |= group >>> 3
      middle = group << 29
    } else if (position < 63) {
      middle |= group << (57 - position)
    } else if (position === 63) {
      middle |= group >>> 6
      low = group << 26
    } else {
      low |= group << 19
    }
    if ((byte & 1) === 0) {
      if (group === 0) throw malformed()
      cursor.offset = offset
      return low === 0 ? toDouble(high, middle, flip) : toBigInt(high, middle, low, flip)
    }
  }
  throw malformed()
}

function toDouble(high, low, flip) {
  words[HIGH] = flip === 0 ? high & 0x7fffffff : high
  words[LOW] = low
  const value = double[0]
  if (value !== value || (value === 0 && flip !== 0)) throw malformed()
  return value
}

function toBigInt(high, middle, low, flip) {
  const exponent = ((high >>> 20) & 0x7ff) - EXPONENT_BIAS
  if (exponent < 53 || exponent > (flip === 0 ? 63 : 62)) throw malformed()
  const fraction =
    (BigInt(high & 0xfffff) << 64n) | (BigInt(middle >>> 0) << 32n) | BigInt(low >>> 0)
  const unused = BigInt(84 - exponent)
  if (BigInt.asUintN(84 - exponent, fraction) !== 0n) throw malformed()
  const magnitude = (1n << BigInt(exponent)) | (fraction >> unused)
  return flip === 0 ? magnitude : -magnitude
}

/** Whether a number is a valid time value of a Date (ECMA-262, 21.4.1.1). */
function isTime(value) {
  return Number.isInteger(value) && Math.abs(value) <= MAX_TIME
}

function malformed() {
  return corruptKey('a number')
}

module.exports = { MAX_NUMBER_BYTES, writeNumber, writeBigInt, readNumber, isTime }
