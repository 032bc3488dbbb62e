'use strict'

const { types } = require('node:util')
const { TAG, ERROR_TYPES, DOM_EXCEPTION, BINARY_TYPES } = require('./tags')
const { writeString } = require('./strings')
const { KIND, isFile, isDomException } = require('./classify')
const { HIDDEN_ERROR_FIELDS } = require('./error-values')

/** The name of a typed array's type, whatever its prototype says. */
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get

const { getTime } = Date.prototype

/**
 * Writes an object of a built-in type at the writer's position.
 *
 * @param {import('./encode').DocumentEncoder} encoder
 * @param {object} object
 * @param {number} kind one of KIND, not PLAIN
 */
function writeSpecial(encoder, object, kind) {
  switch (kind) {
    case KIND.DATE:
      return writeDate(encoder.writer, object)
    case KIND.MAP:
      return writeMap(encoder, object)
    case KIND.SET:
      return writeSet(encoder, object)
    case KIND.ERROR:
      return writeError(encoder, object)
    case KIND.REGEXP:
      return writeRegExp(encoder.writer, object)
    case KIND.BUFFER:
    case KIND.VIEW:
      return writeBinary(encoder, object, kind)
    case KIND.BOXED:
      return writeBoxed(encoder, object)
    case KIND.BLOB:
      return writeBlob(encoder, object)
    default:
      return encoder.refuse(object, `A ${nameOf(object)} cannot be stored`)
  }
}

function nameOf(object) {
  return object.constructor?.name || 'value of this type'
}

function writeDate(writer, date) {
  writer.writeU8(TAG.DATE)
  writer.writeF64(getTime.call(date))
}

/** Writes a BigInt: its sign, and its magnitude in as few bytes as it takes, the least first. */
function writeBigInt(writer, value) {
  const negative = value < 0n
  const magnitude = negative ? -value : value
  writer.writeU8(TAG.BIGINT)
  writer.writeU8(negative ? 1 : 0)
  const hex = magnitude === 0n ? '' : magnitude.toString(16)
  const length = (hex.length + 1) >> 1
  writer.writeU32(length)
  writer.ensure(length)
  const { buffer } = writer
  for (let end = hex.length; end > 0; end -= 2) {
    buffer[writer.position++] = parseInt(hex.slice(Math.max(0, end - 2), end), 16)
  }
}

function writeMap(encoder, map) {
  const list = []
  Map.prototype.forEach.call(map, (value, key) => list.push(key, value))
  writeMembers(encoder, TAG.MAP, list, list.length / 2)
}

function writeSet(encoder, set) {
  const list = []
  Set.prototype.forEach.call(set, (value) => list.push(value))
  writeMembers(encoder, TAG.SET, list, list.length)
}

function writeMembers(encoder, tag, list, count) {
  const { writer } = encoder
  const start = writer.position
  writer.writeU8(tag)
  writer.writeU32(0)
  writer.writeU32(count)
  for (const member of list) encoder.value(member)
  encoder.patchLength(start)
}

function writeRegExp(writer, regexp) {
  writer.writeU8(TAG.REGEXP)
  writeString(writer, regexp.source)
  writeString(writer, regexp.flags)
}

/** Writes an error: its type, then its message, stack, cause, errors and own fields. */
function writeError(encoder, error) {
  const { writer } = encoder
  const dom = isDomException(error)
  writer.writeU8(TAG.ERROR)
  writer.writeU8(dom ? DOM_EXCEPTION : errorType(error))
  const fields = Object.create(null)
  if (dom) {
    fields.name = error.name
    fields.message = error.message
    if (typeof error.stack === 'string') fields.stack = error.stack
  } else {
    for (const name of HIDDEN_ERROR_FIELDS) {
      if (Object.hasOwn(error, name)) fields[name] = error[name]
    }
    for (const name of Object.keys(error)) fields[name] = error[name]
  }
  encoder.value(fields)
}

/** The standard type that an error says it is; for other names, the one it is an instance of. */
function errorType(error) {
  const named = ERROR_TYPES.indexOf(error.name)
  if (named >= 0 && named < DOM_EXCEPTION) return named
  for (let type = DOM_EXCEPTION - 1; type > 0; type--) {
    if (error instanceof globalThis[ERROR_TYPES[type]]) return type
  }
  return 0
}

function writeBinary(encoder, object, kind) {
  const { writer } = encoder
  let bytes
  try {
    bytes =
      kind === KIND.BUFFER
        ? new Uint8Array(object)
        : new Uint8Array(object.buffer, object.byteOffset, object.byteLength)
  } catch {
    return encoder.refuse(object, `A detached ${nameOf(object)} cannot be stored`)
  }
  writer.writeU8(TAG.BINARY)
  writer.writeU8(binaryType(encoder, object, kind))
  writer.writeU32(bytes.length)
  writer.writeBytes(bytes)
}

function binaryType(encoder, object, kind) {
  if (kind === KIND.BUFFER) return 0
  if (types.isDataView(object)) return 1
  const name = typedArrayName.call(object)
  const type = BINARY_TYPES.indexOf(name)
  return type > 1 ? type : encoder.refuse(object, `A ${name} cannot be stored`)
}

function writeBoxed(encoder, object) {
  encoder.writer.writeU8(TAG.BOXED)
  encoder.value(unbox(object))
}

function unbox(object) {
  if (types.isNumberObject(object)) return Number.prototype.valueOf.call(object)
  if (types.isStringObject(object)) return String.prototype.valueOf.call(object)
  if (types.isBooleanObject(object)) return Boolean.prototype.valueOf.call(object)
  return BigInt.prototype.valueOf.call(object)
}

/** Writes a Blob's or File's bytes, read before, then its type, and a File's name and time. */
function writeBlob(encoder, blob) {
  const { writer } = encoder
  const bytes = encoder.blobs?.get(blob)
  if (bytes === undefined) {
    encoder.refuse(
      blob,
      'A Blob or File cannot be stored here, since its bytes can only be read asynchronously; ' +
        'store `await blob.arrayBuffer()` instead',
    )
  }
  const file = isFile(blob)
  writer.writeU8(TAG.BLOB)
  writer.writeU8(file ? 1 : 0)
  writer.writeU32(bytes.length)
  writer.writeBytes(bytes)
  encoder.value(blob.type)
  if (file) {
    encoder.value(blob.name)
    encoder.value(blob.lastModified)
  }
}

module.exports = { writeSpecial, writeBigInt }
