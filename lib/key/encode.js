'use strict'

/*
 * Values to encoded keys. Encoding a scalar runs no code of the user. An array may have accessors,
 * which may call back into the database; it is therefore encoded aside and copied when complete, so
 * that a scratch buffer shared by all callers is safe.
 */

const { isDate, isProxy } = require('node:util').types
const {
  END,
  MAX_DEPTH,
  MAX_KEY_BYTES,
  TAG_ARRAY,
  TAG_DATE,
  TAG_FALSE,
  TAG_NULL,
  TAG_NUMBER,
  TAG_TRUE,
} = require('./tags.js')
const { bytesOf, writeBinary } = require('./binary.js')
const { CYCLE, HOLE, TOO_DEEP, describe, invalidKey, keyTooLong } = require('./key-errors.js')
const { writeBigInt, writeNumber } = require('./number.js')
const { writeText } = require('./text.js')

const INITIAL_CAPACITY = 1024
/** An encoder that has grown beyond this is not kept. */
const KEPT_CAPACITY = 64 * 1024

const getTime = Date.prototype.getTime

/**
 * Writes the encoded key of a store.
 *
 * A negative result means that `buffer` was too short: nothing of use was written, and `buffer`
 * must be at least `-result` bytes long in all.
 *
 * @param {unknown} value a number, BigInt, Date, string, ArrayBuffer, view, or array of those
 * @param {Buffer} buffer
 * @param {number} offset where to begin
 * @returns {number} where the key ends
 * @throws {LodestoreError} INVALID_KEY
 */
const encodeKey = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (value, buffer, offset) {
    return encode(value, buffer, offset, false)
  }
)

/**
 * Writes the encoded key of an index, which may also be null or a boolean. Otherwise as
 * `encodeKey`.
 *
 * @param {unknown} value for a compound index, an array with the values of all or the first
 *   components
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {boolean | boolean[]} [descending] for a compound index, one for each component
 * @returns {number}
 * @throws {LodestoreError} INVALID_KEY
 */
function encodeIndexKey(value, buffer, offset, descending = false) {
  if (typeof descending === 'object') return encodeAside(value, buffer, offset, true, descending)
  const end = encode(value, buffer, offset, true)
  if (descending) invert(buffer, offset, end)
  return end
}

/**
 * The encoded key of a store, in a buffer of its own.
 * @param {unknown} value
 * @returns {Buffer}
 * @throws {LodestoreError} INVALID_KEY
 */
function encodeKeyToBuffer(value) {
  return encodeToBuffer(encodeKey, value)
}

/**
 * The encoded key of an index, in a buffer of its own; see `encodeIndexKey`.
 * @param {unknown} value
 * @param {boolean | boolean[]} [descending]
 * @returns {Buffer}
 * @throws {LodestoreError} INVALID_KEY
 */
function encodeIndexKeyToBuffer(value, descending = false) {
  return encodeToBuffer(encodeIndexKey, value, descending)
}

let scratch = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)

function encodeToBuffer(encoder, value, descending) {
  let buffer = scratch
  let end = encoder(value, buffer, 0, descending)
  while (end < 0) {
    buffer = Buffer.allocUnsafeSlow(-end)
    end = encoder(value, buffer, 0, descending)
  }
  if (buffer.length <= KEPT_CAPACITY) scratch = buffer
  const key = Buffer.allocUnsafe(end)
  buffer.copy(key, 0, 0, end)
  return key
}

const encode = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (value, buffer, offset, inIndex) {
    if (typeof value === 'object' && value !== null && !isProxy(value) && Array.isArray(value)) {
      return encodeAside(value, buffer, offset, inIndex, undefined)
    }
    const end = encodeScalar(value, buffer, offset, inIndex)
    if (end === 0) throw invalidKey(describe(value), [], inIndex)
    if (Math.abs(end) - offset > MAX_KEY_BYTES) throw keyTooLong()
    return end
  }
)

/** The end, minus the length that `buffer` needs, or 0 for what is not a key or not a scalar. */
const encodeScalar = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (value, buffer, offset, inIndex) {
    switch (typeof value) {
      case 'number':
        return value === value ? writeNumber(TAG_NUMBER, value, buffer, offset) : 0
      case 'string':
        return writeText(value, buffer, offset)
      case 'bigint':
        return writeBigInt(TAG_NUMBER, value, buffer, offset)
      case 'object':
        if (value !== null) return encodeObject(value, buffer, offset)
        return inIndex ? writeByte(TAG_NULL, buffer, offset) : 0
      case 'boolean':
        return inIndex ? writeByte(value ? TAG_TRUE : TAG_FALSE, buffer, offset) : 0
      default:
        return 0
    }
  }
)

function encodeObject(value, buffer, offset) {
  if (isDate(value)) {
    const time = getTime.call(value)
    return time === time ? writeNumber(TAG_DATE, time, buffer, offset) : 0
  }
  const bytes = bytesOf(value)
  return bytes === undefined ? 0 : writeBinary(bytes, buffer, offset)
}

function writeByte(byte, buffer, offset) {
  if (offset >= buffer.length) return -(offset + 1)
  buffer[offset] = byte
  return offset + 1
}

function invert(buffer, start, end) {
  for (let i = start; i < end; i++) buffer[i] = ~buffer[i]
}

/** Encodes arrays into a buffer of its own. */
class ArrayEncoder {
  constructor() {
    this.buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
    this.inIndex = false
    this.length = 0
    this.depth = 0
    /** The arrays being encoded, outermost first. */
    this.ancestors = []
    /** The element being encoded in each of them. */
    this.position = []
  }

  reset(inIndex) {
    this.inIndex = inIndex
    this.length = 0
    this.depth = 0
    this.ancestors.length = 0
  }

  /** The components of a compound index, concatenated. */
  writeComponents(values, descending) {
    if (
      typeof values !== 'object' ||
      values === null ||
      isProxy(values) ||
      !Array.isArray(values)
    ) {
      throw invalidKey(`${describe(values)}; one of a compound index is an array`, [], true)
    }
    if (values.length > descending.length) {
      throw invalidKey(`${values.length} values for an index of ${descending.length}`, [], true)
    }
    this.writeElements(values, descending)
  }

  writeArray(array) {
    if (this.depth === MAX_DEPTH) throw this.invalid(TOO_DEEP)
    if (this.ancestors.includes(array)) throw this.invalid(CYCLE)
    this.writeByte(TAG_ARRAY)
    this.writeElements(array, undefined)
    this.writeByte(END)
  }

  writeElements(array, descending) {
    const level = this.depth++
    this.ancestors.push(array)
    const length = array.length
    for (let i = 0; i < length; i++) {
      this.position[level] = i
      if (!Object.hasOwn(array, i)) throw this.invalid(HOLE)
      const start = this.length
      this.writeValue(array[i])
      if (descending !== undefined && descending[i]) invert(this.buffer, start, this.length)
    }
    this.ancestors.pop()
    this.depth--
  }

  writeValue(value) {
    if (typeof value === 'object' && value !== null && !isProxy(value) && Array.isArray(value)) {
      this.writeArray(value)
      return
    }
    let end = encodeScalar(value, this.buffer, this.length, this.inIndex)
    if (end < 0) {
      this.grow(-end)
      end = encodeScalar(value, this.buffer, this.length, this.inIndex)
    }
    if (end === 0) throw this.invalid(describe(value))
    this.length = end
  }

  writeByte(byte) {
    if (this.length === this.buffer.length) this.grow(this.length + 1)
    this.buffer[this.length++] = byte
  }

  grow(needed) {
    if (needed > MAX_KEY_BYTES) throw keyTooLong()
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }

  invalid(what) {
    return invalidKey(what, this.position.slice(0, this.depth), this.inIndex)
  }

  /** Copies what was written, like `encodeKey`. */
  copyTo(buffer, offset) {
    const length = this.length
    if (length > MAX_KEY_BYTES) throw keyTooLong()
    if (offset + length > buffer.length) return -(offset + length)
    if (length > 64) {
      this.buffer.copy(buffer, offset, 0, length)
    } else {
      for (let i = 0; i < length; i++) buffer[offset + i] = this.buffer[i]
    }
    return offset + length
  }
}

/** An encoder that is not in use; accessors may need another one while one is. */
let idle = new ArrayEncoder()

function encodeAside(value, buffer, offset, inIndex, descending) {
  const encoder = idle ?? new ArrayEncoder()
  idle = undefined
  try {
    encoder.reset(inIndex)
    if (descending === undefined) encoder.writeArray(value)
    else encoder.writeComponents(value, descending)
    return encoder.copyTo(buffer, offset)
  } finally {
    encoder.ancestors.length = 0
    if (encoder.buffer.length <= KEPT_CAPACITY) idle = encoder
  }
}

module.exports = { encodeKey, encodeIndexKey, encodeKeyToBuffer, encodeIndexKeyToBuffer }
