'use strict'

/*
 * Binary keys: the bytes, 00 as `01 01` and 01 as `01 02`, then END. See src/key/binary.rs and
 * docs/format.md.
 */

const { isArrayBuffer, isDataView } = require('node:util').types
const { END, TAG_BINARY } = require('./tags.js')
const { corruptKey } = require('./key-errors.js')

/*
 * The intrinsic accessors, so that subclasses and own properties cannot interfere.
 */
const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype)
const typedArrayBuffer = intrinsicGetter(TypedArrayPrototype, 'buffer')
const typedArrayOffset = intrinsicGetter(TypedArrayPrototype, 'byteOffset')
const typedArrayLength = intrinsicGetter(TypedArrayPrototype, 'byteLength')
const typedArrayValues = TypedArrayPrototype.values
const dataViewBuffer = intrinsicGetter(DataView.prototype, 'buffer')
const dataViewOffset = intrinsicGetter(DataView.prototype, 'byteOffset')
const dataViewLength = intrinsicGetter(DataView.prototype, 'byteLength')

function intrinsicGetter(prototype, name) {
  return Object.getOwnPropertyDescriptor(prototype, name).get
}

/**
 * The bytes of an ArrayBuffer, typed array or DataView, not copied.
 * @returns {Uint8Array | undefined} nothing for any other value, for what is detached or out of
 *   bounds, and for shared memory, which may change while it is read
 */
function bytesOf(value) {
  try {
    if (!ArrayBuffer.isView(value)) return windowOf(value)
    if (isDataView(value)) {
      return windowOf(
        dataViewBuffer.call(value),
        dataViewOffset.call(value),
        dataViewLength.call(value),
      )
    }
    // Throws where the accessors give zero: if it is detached or out of bounds.
    typedArrayValues.call(value)
    return windowOf(
      typedArrayBuffer.call(value),
      typedArrayOffset.call(value),
      typedArrayLength.call(value),
    )
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function windowOf(buffer, offset, length) {
  return isArrayBuffer(buffer) ? new Uint8Array(buffer, offset, length) : undefined
}

/**
 * Writes a binary key.
 * @param {Uint8Array} bytes
 * @param {Buffer} buffer
 * @param {number} offset
 * @returns {number} the end, or minus the length that `buffer` needs
 */
function writeBinary(bytes, buffer, offset) {
  const length = bytes.length
  if (offset + 2 + 2 * length > buffer.length) {
    const needed = offset + 2 + encodedLength(bytes)
    if (needed > buffer.length) return -needed
  }
  buffer[offset++] = TAG_BINARY
  for (let i = 0; i < length; i++) {
    const byte = bytes[i]
    if (byte > 1) {
      buffer[offset++] = byte
    } else {
      buffer[offset++] = 1
      buffer[offset++] = byte + 1
    }
  }
  buffer[offset] = END
  return offset + 1
}

function encodedLength(bytes) {
  let length = bytes.length
  for (let i = 0; i < bytes.length; i++) if (bytes[i] < 2) length++
  return length
}

/**
 * Reads the binary key at `cursor.offset` and moves it behind.
 * @param {Buffer} buffer
 * @param {{ offset: number }} cursor
 * @param {number} end
 * @returns {ArrayBuffer}
 */
function readBinary(buffer, cursor, end) {
  const start = cursor.offset
  let offset = start
  let escapes = 0
  for (; offset < end && buffer[offset] !== END; offset++) {
    if (buffer[offset] !== 1) continue
    offset++
    escapes++
    if (offset >= end || (buffer[offset] !== 1 && buffer[offset] !== 2)) {
      throw corruptKey('a binary key')
    }
  }
  if (offset >= end) throw corruptKey('a binary key has no end')
  cursor.offset = offset + 1
  const bytes = new Uint8Array(offset - start - escapes)
  for (let from = start, to = 0; from < offset; from++, to++) {
    bytes[to] = buffer[from] === 1 ? buffer[++from] - 1 : buffer[from]
  }
  return bytes.buffer
}

module.exports = { TypedArrayPrototype, intrinsicGetter, bytesOf, writeBinary, readBinary }
