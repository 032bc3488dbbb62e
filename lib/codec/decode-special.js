'use strict'

const { Blob, File } = require('node:buffer')
const { LodestoreError } = require('../errors')
const { TAG, MAX_DEPTH, ERROR_TYPES, DOM_EXCEPTION, BINARY_TYPES } = require('./tags')
const { readValue, readArray, readU32, take, corrupt } = require('./decode')
const { HIDDEN_ERROR_FIELDS, emptyDomException, emptyError } = require('./error-values')
const { readFields } = require('./fields')
const { readerOf } = require('./inline-objects')
const { readNames, readText } = require('./names')

/** Reads a value of one of the rarer tags; the decoder's position is behind the tag at `start`. */
function readSpecial(decoder, tag, start) {
  switch (tag) {
    case TAG.INLINE:
      return nested(decoder, start, readInline)
    case TAG.INLINE_AGAIN:
      return nested(decoder, start, readInlineAgain)
    case TAG.WIDE_INLINE:
      return nested(decoder, start, readWideInline)
    case TAG.MAP:
      return nested(decoder, start, readMap)
    case TAG.SET:
      return nested(decoder, start, readSet)
    case TAG.ERROR:
      return nested(decoder, start, readError)
    case TAG.NAMED_ARRAY:
      return nested(decoder, start, readNamedArray)
    case TAG.SPARSE_ARRAY:
      return nested(decoder, start, readSparseArray)
    case TAG.REFERENCE:
      return readReference(decoder)
    case TAG.BIGINT:
      return readBigInt(decoder)
    case TAG.REGEXP:
      return register(decoder, start, readRegExp(decoder))
    case TAG.BINARY:
      return register(decoder, start, readBinary(decoder))
    case TAG.BOXED:
      return nested(decoder, start, readBoxed)
    case TAG.BLOB:
      return nested(decoder, start, readBlob)
    default:
      return corrupt(tag === undefined ? 'it is cut off' : `there is no value with tag ${tag} here`)
  }
}

function nested(decoder, start, read) {
  if (++decoder.depth > MAX_DEPTH) corrupt('it is nested too deeply')
  const value = read(decoder, start)
  decoder.depth--
  return value
}

function register(decoder, start, object) {
  if (decoder.references !== null) decoder.references.set(start, object)
  return object
}

function readReference(decoder) {
  const offset = readU32(decoder)
  const object = decoder.references?.get(decoder.start + offset)
  if (object === undefined) corrupt('a reference leads nowhere')
  return object
}

function readInline(decoder, start) {
  const { inlineObjects } = decoder
  const head = inlineObjects.readHead(decoder)
  inlineObjects.add(start, head)
  return readInlineFields(decoder, start, head)
}

function readInlineAgain(decoder, start) {
  const head = decoder.inlineObjects.at(decoder.start + readU32(decoder))
  if (head === undefined) corrupt('the names of an object are not where they should be')
  return readInlineFields(decoder, start, head)
}

function readInlineFields(decoder, start, head) {
  // An object that others refer to must exist before its fields.
  if (decoder.references !== null) {
    return readFields(decoder, register(decoder, start, {}), head.names)
  }
  return readerOf(head, decoder)(decoder, {}, head.names)
}

/** Reads the byte length and the count that begin a container; returns its end and the count. */
function readSize(decoder, bytesPerMember) {
  const bytes = readU32(decoder)
  const count = readU32(decoder)
  const end = decoder.position + bytes
  if (count * bytesPerMember > bytes || end > decoder.end) corrupt('a container is cut off')
  return { end, count }
}

function checkEnd(decoder, end) {
  if (decoder.position !== end) corrupt('a container has the wrong size')
}

function readWideInline(decoder, start) {
  const { end, count } = readSize(decoder, 2)
  const names = readNames(decoder, count)
  const object = readFields(decoder, register(decoder, start, {}), names)
  checkEnd(decoder, end)
  return object
}

function readMap(decoder, start) {
  const { end, count } = readSize(decoder, 2)
  const map = register(decoder, start, new Map())
  for (let i = 0; i < count; i++) {
    const key = readValue(decoder)
    map.set(key, readValue(decoder))
  }
  if (map.size !== count) corrupt('a Map has one key twice')
  checkEnd(decoder, end)
  return map
}

function readSet(decoder, start) {
  const { end, count } = readSize(decoder, 1)
  const set = register(decoder, start, new Set())
  for (let i = 0; i < count; i++) set.add(readValue(decoder))
  if (set.size !== count) corrupt('a Set has one member twice')
  checkEnd(decoder, end)
  return set
}

function readNamedArray(decoder, start) {
  const { buffer, position } = decoder
  const tag = buffer[position]
  let array
  if (tag >= TAG.SHORT_ARRAY && tag < TAG.SHORT_ARRAY + 8) {
    decoder.position++
    array = readArray(decoder, tag - TAG.SHORT_ARRAY, start)
  } else {
    decoder.position++
    if (tag === TAG.SPARSE_ARRAY) array = nested(decoder, start, readSparseArray)
    else if (tag === TAG.ARRAY) {
      const { end, count } = readSize(decoder, 1)
      array = readArray(decoder, count, start)
      checkEnd(decoder, end)
    } else corrupt('an array with fields has no elements')
  }
  for (const [name, value] of Object.entries(readFieldObject(decoder))) define(array, name, value)
  return array
}

/** Reads a plain object that belongs to another value. */
function readFieldObject(decoder) {
  const tag = decoder.buffer[decoder.position]
  const shaped = tag >= TAG.SHAPED && tag < TAG.SHORT_ARRAY
  if (!shaped && tag !== TAG.INLINE && tag !== TAG.INLINE_AGAIN && tag !== TAG.WIDE_INLINE) {
    corrupt('a value that needs fields has none')
  }
  return readValue(decoder)
}

function define(object, name, value, enumerable = true) {
  try {
    Object.defineProperty(object, name, { value, enumerable, configurable: true, writable: true })
  } catch (error) {
    corrupt(`it has an impossible field`, error)
  }
}

function readSparseArray(decoder, start) {
  const bytes = readU32(decoder)
  const length = readU32(decoder)
  const end = decoder.position + bytes
  if (end > decoder.end) corrupt('an array is cut off')
  const array = register(decoder, start, [])
  let i = 0
  while (decoder.position < end && i <= length) {
    const tag = decoder.buffer[decoder.position]
    if (tag === TAG.HOLE) {
      decoder.position++
      i++
    } else if (tag === TAG.HOLES) {
      decoder.position++
      i += readU32(decoder)
    } else {
      array[i++] = readValue(decoder)
    }
  }
  if (i !== length) corrupt('an array has the wrong number of elements')
  array.length = length
  checkEnd(decoder, end)
  return array
}

function readError(decoder, start) {
  const type = decoder.buffer[take(decoder, 1)]
  if (type >= ERROR_TYPES.length) corrupt(`there is no error type ${type}`)
  if (type === DOM_EXCEPTION) return readDomException(decoder, start)
  const error = register(decoder, start, emptyError(ERROR_TYPES[type]))
  const fields = readFieldObject(decoder)
  for (const [name, value] of Object.entries(fields)) {
    define(error, name, value, !HIDDEN_ERROR_FIELDS.includes(name))
  }
  return error
}

function readDomException(decoder, start) {
  const { name, message, stack } = readFieldObject(decoder)
  if (typeof name !== 'string' || typeof message !== 'string') {
    corrupt('a DOMException has no name or message')
  }
  const error = emptyDomException(message, name)
  register(decoder, start, error)
  if (typeof stack === 'string') define(error, 'stack', stack, false)
  return error
}

function readBigInt(decoder) {
  const { buffer } = decoder
  const sign = buffer[take(decoder, 1)]
  const length = readU32(decoder)
  const from = take(decoder, length)
  if (sign > 1 || (length === 0 ? sign !== 0 : buffer[from + length - 1] === 0)) {
    corrupt('a BigInt is not in its shortest form')
  }
  if (length === 0) return 0n
  const hex = Buffer.from(buffer.subarray(from, from + length))
    .reverse()
    .toString('hex')
  const magnitude = attempt(() => BigInt(`0x${hex}`), 'a BigInt is too large')
  return sign === 1 ? -magnitude : magnitude
}

/** Does what may throw for values that no encoder writes. */
function attempt(make, what) {
  try {
    return make()
  } catch (error) {
    return corrupt(what, error)
  }
}

function readRegExp(decoder) {
  const source = readText(decoder)
  const flags = readText(decoder)
  return attempt(() => new RegExp(source, flags), 'a RegExp is not possible')
}

function readBytes(decoder) {
  const from = take(decoder, readU32(decoder))
  return decoder.buffer.subarray(from, decoder.position)
}

/** Reads an ArrayBuffer, or a view of an ArrayBuffer of its own. */
function readBinary(decoder) {
  const name = BINARY_TYPES[decoder.buffer[take(decoder, 1)]]
  if (name === undefined) corrupt('there is no such binary type')
  const bytes = readBytes(decoder)
  const { buffer } = new Uint8Array(bytes)
  if (name === 'ArrayBuffer') return buffer
  const constructor = globalThis[name]
  if (constructor === undefined) {
    throw new LodestoreError('UNSUPPORTED', `This JavaScript engine has no ${name}`)
  }
  return attempt(() => new constructor(buffer), `a ${name} has half an element`)
}

function readBoxed(decoder, start) {
  const value = readValue(decoder)
  if (value === null || value === undefined || typeof value === 'object') {
    corrupt('a boxed value is not a primitive one')
  }
  return register(decoder, start, Object(value))
}

function readBlob(decoder, start) {
  const kind = decoder.buffer[take(decoder, 1)]
  if (kind > 1) corrupt('there is no such kind of Blob')
  const bytes = readBytes(decoder)
  const type = readText(decoder)
  if (kind === 0) return register(decoder, start, new Blob([bytes], { type }))
  const name = readText(decoder)
  const lastModified = readValue(decoder)
  if (typeof lastModified !== 'number') corrupt('a File has no time')
  return register(decoder, start, new File([bytes], name, { type, lastModified }))
}

module.exports = { readSpecial }
