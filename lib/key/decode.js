'use strict'

/* Encoded keys to values. Malformed bytes are CORRUPT. */

const {
  END,
  MAX_DEPTH,
  TAG_ARRAY,
  TAG_BINARY,
  TAG_DATE,
  TAG_FALSE,
  TAG_NULL,
  TAG_NUMBER,
  TAG_STRING,
  TAG_TRUE,
} = require('./tags.js')
const { readBinary } = require('./binary.js')
const { corruptKey } = require('./key-errors.js')
const { isTime, readNumber } = require('./number.js')
const { readText } = require('./text.js')

const cursor = { offset: 0 }

/**
 * Reads one key; `lastOffset()` then tells where it ends.
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {number} end of what may be read
 * @returns {unknown} binary keys as a new ArrayBuffer, BigInts only if no number equals them
 * @throws {LodestoreError} CORRUPT
 */
function decodeKeyAt(buffer, offset, end) {
  if (end > buffer.length) throw corruptKey('it ends too early')
  cursor.offset = offset
  return readValue(buffer, end, 0)
}

/**
 * Reads a key that fills `buffer` from `offset` to its end.
 * @param {Buffer} buffer
 * @param {number} [offset]
 * @returns {unknown}
 * @throws {LodestoreError} CORRUPT
 */
function decodeKey(buffer, offset = 0) {
  const value = decodeKeyAt(buffer, offset, buffer.length)
  if (cursor.offset !== buffer.length) throw corruptKey('bytes follow it')
  return value
}

/**
 * Reads the key of an index; `lastOffset()` then tells where it ends.
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {number} end of what may be read
 * @param {boolean | boolean[]} [descending] for a compound index, one for each component
 * @returns {unknown} for a compound index, an array
 * @throws {LodestoreError} CORRUPT
 */
function decodeIndexKey(buffer, offset, end, descending = false) {
  if (typeof descending !== 'object') {
    return descending ? decodeDescendingAt(buffer, offset, end) : decodeKeyAt(buffer, offset, end)
  }
  const values = []
  for (let i = 0; i < descending.length; i++) {
    values.push(decodeIndexKey(buffer, offset, end, descending[i]))
    offset = cursor.offset
  }
  return values
}

/**
 * Where the last decoded key ends.
 * @returns {number}
 */
function lastOffset() {
  return cursor.offset
}

/**
 * Where the component at `offset` ends; its contents are not checked.
 * @param {Buffer} buffer
 * @param {number} offset
 * @param {number} end of what may be read
 * @param {boolean} [descending]
 * @returns {number}
 * @throws {LodestoreError} CORRUPT
 */
function skipKey(buffer, offset, end, descending = false) {
  if (end > buffer.length) throw corruptKey('it ends too early')
  const mask = descending ? 0xff : 0
  let depth = 0
  do {
    if (offset >= end) throw corruptKey('it ends too early')
    switch (buffer[offset++] ^ mask) {
      case TAG_NUMBER:
      case TAG_DATE:
        offset = skipNumber(buffer, offset, end, mask)
        break
      case TAG_STRING:
      case TAG_BINARY:
        while (offset < end && buffer[offset] !== mask) offset++
        if (offset++ >= end) throw corruptKey('it ends too early')
        break
      case TAG_ARRAY:
        if (++depth > MAX_DEPTH) throw corruptKey('its arrays nest too deep')
        break
      case END:
        if (--depth < 0) throw corruptKey('a tag is unknown')
        break
      case TAG_NULL:
      case TAG_FALSE:
      case TAG_TRUE:
        break
      default:
        throw corruptKey('a tag is unknown')
    }
  } while (depth > 0)
  return offset
}

function skipNumber(buffer, offset, end, mask) {
  const limit = Math.min(end, offset + 11)
  if (offset >= limit) throw corruptKey('a number')
  const last = (mask & 1) ^ ((buffer[offset] ^ mask) < 0x80 ? 1 : 0)
  while (offset < limit) if ((buffer[offset++] & 1) === last) return offset
  throw corruptKey('a number')
}

function decodeDescendingAt(buffer, offset, end) {
  const next = skipKey(buffer, offset, end, true)
  const ascending = Buffer.allocUnsafe(next - offset)
  for (let i = 0; i < ascending.length; i++) ascending[i] = ~buffer[offset + i]
  const value = decodeKeyAt(ascending, 0, ascending.length)
  cursor.offset = next
  return value
}

function readValue(buffer, end, depth) {
  if (cursor.offset >= end) throw corruptKey('it ends too early')
  switch (buffer[cursor.offset++]) {
    case TAG_NUMBER:
      return readNumber(buffer, cursor, end)
    case TAG_STRING:
      return readText(buffer, cursor, end)
    case TAG_ARRAY:
      return readArray(buffer, end, depth)
    case TAG_DATE: {
      const time = readNumber(buffer, cursor, end)
      if (!isTime(time)) throw corruptKey('a date')
      return new Date(time)
    }
    case TAG_BINARY:
      return readBinary(buffer, cursor, end)
    case TAG_NULL:
      return null
    case TAG_FALSE:
      return false
    case TAG_TRUE:
      return true
    default:
      throw corruptKey('a tag is unknown')
  }
}

function readArray(buffer, end, depth) {
  if (depth === MAX_DEPTH) throw corruptKey('its arrays nest too deep')
  const array = []
  for (;;) {
    if (cursor.offset >= end) throw corruptKey('it ends too early')
    if (buffer[cursor.offset] === END) break
    array.push(readValue(buffer, end, depth + 1))
  }
  cursor.offset++
  return array
}

module.exports = { decodeKey, decodeKeyAt, decodeIndexKey, lastOffset, skipKey }
