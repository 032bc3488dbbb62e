'use strict'

const { Blob, File } = require('node:buffer')
const { HIDDEN_ERROR_FIELDS, emptyDomException, emptyError } = require('../codec/error-values')
const { BINARY_TYPES, ERROR_TYPES, MAX_DEPTH } = require('../codec/tags')
const { invalidArgument } = require('../options/check')

const ERRORS = new Set(ERROR_TYPES.filter((type) => type !== 'DOMException'))
const VIEWS = new Set(BINARY_TYPES.filter((type) => type !== 'ArrayBuffer'))
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const MAX_LENGTH = 2 ** 32 - 1

/**
 * The document that typed JSON stands for.
 *
 * @param {unknown} json what `JSON.parse` has made
 * @throws {LodestoreError} INVALID_ARGUMENT, saying where in the document
 */
function fromTyped(json) {
  return new Reader().read(json, '')
}

class Reader {
  /** @type {Map<number, object>} */
  #shared = new Map()
  #depth = 0

  /**
   * @param {unknown} json
   * @param {string} path where it stands, for errors
   * @param {(object: object) => void} [made] called with an object before what is in it is read
   */
  read(json, path, made = nothing) {
    if (typeof json !== 'object' || json === null) return json
    if (++this.#depth > MAX_DEPTH) throw wrong(path, 'it is nested too deeply')
    const value = Array.isArray(json)
      ? this.#list(json, path, made)
      : this.#object(json, path, made)
    this.#depth--
    return value
  }

  #list(json, path, made) {
    const array = []
    made(array)
    for (let i = 0; i < json.length; i++) array.push(this.read(json[i], `${path}[${i}]`))
    return array
  }

  #object(json, path, made) {
    const names = Object.keys(json)
    const tag = names.find((name) => name.startsWith('$'))
    if (tag === undefined) return this.#fields({}, json, path, made)
    const reader = Object.hasOwn(READERS, tag) ? READERS[tag] : undefined
    if (reader === undefined || names.length > 1) {
      const known = reader === undefined ? 'is no type' : 'must be the only field'
      throw wrong(path, `${tag} ${known}; an object with such a field is { "$object": … }`)
    }
    return reader(this, json[tag], path === '' ? tag : `${path}.${tag}`, made)
  }

  #fields(object, json, path, made) {
    made(object)
    for (const name of Object.keys(json)) {
      const value = this.read(json[name], path === '' ? name : `${path}.${name}`)
      define(object, name, value, true)
    }
    return object
  }

  /* Types */

  shared(json, path) {
    const isPair = Array.isArray(json) && json.length === 2 && Number.isSafeInteger(json[0])
    if (!isPair) throw wrong(path, 'it must be a number and what is shared')
    const [number, value] = json
    if (this.#shared.has(number)) throw wrong(path, `there is a number ${number} already`)
    const object = this.read(value, path, (made) => this.#shared.set(number, made))
    if (typeof object !== 'object' || object === null) throw wrong(path, 'it is not an object')
    this.#shared.set(number, object)
    return object
  }

  reference(json, path) {
    const object = this.#shared.get(json)
    if (object === undefined) throw wrong(path, 'nothing with that number stands before it')
    return object
  }

  literal(json, path, made) {
    return this.#fields({}, objectAt(json, path), path, made)
  }

  map(json, path, made) {
    const map = new Map()
    made(map)
    for (const [i, pair] of listAt(json, path).entries()) {
      const at = `${path}[${i}]`
      if (!Array.isArray(pair) || pair.length !== 2) throw wrong(at, 'it must be a key and a value')
      map.set(this.read(pair[0], `${at}[0]`), this.read(pair[1], `${at}[1]`))
    }
    return map
  }

  set(json, path, made) {
    const set = new Set()
    made(set)
    for (const [i, item] of listAt(json, path).entries()) set.add(this.read(item, `${path}[${i}]`))
    return set
  }

  sparseArray(json, path, made) {
    const { length, items, fields = {} } = objectAt(json, path)
    if (!Number.isInteger(length) || length < 0 || length > MAX_LENGTH) {
      throw wrong(path, 'length must be a whole number below 2^32')
    }
    const array = []
    made(array)
    array.length = length
    for (const item of listAt(items, `${path}.items`)) {
      const [index, value] = Array.isArray(item) ? item : []
      if (!Number.isInteger(index) || index < 0 || index >= length) {
        throw wrong(`${path}.items`, 'each must be an index below the length and a value')
      }
      define(array, index, this.read(value, `${path}.items`), true)
    }
    return this.#fields(array, objectAt(fields, `${path}.fields`), `${path}.fields`, nothing)
  }

  error(json, path, made) {
    const { type, fields = {}, ...hidden } = objectAt(json, path)
    if (type === 'DOMException') return domException(hidden, path, made)
    if (!ERRORS.has(type)) throw wrong(path, 'its type is not that of an error')
    const error = emptyError(type)
    made(error)
    for (const name of Object.keys(hidden)) {
      if (!HIDDEN_ERROR_FIELDS.includes(name)) throw wrong(path, `there is no ${name}`)
      define(error, name, this.read(hidden[name], `${path}.${name}`), false)
    }
    return this.#fields(error, objectAt(fields, `${path}.fields`), `${path}.fields`, nothing)
  }
}

const READERS = Object.freeze({
  $array: (reader, json, path, made) => reader.sparseArray(json, path, made),
  $bigint: (reader, json, path) => bigint(json, path),
  $binary: (reader, json, path) => binary(json, path),
  $blob: (reader, json, path) => blob(json, path),
  $boxed: (reader, json, path) => boxed(reader.read(json, path), path),
  $date: (reader, json, path) => date(json, path),
  $error: (reader, json, path, made) => reader.error(json, path, made),
  $map: (reader, json, path, made) => reader.map(json, path, made),
  $number: (reader, json, path) => specialNumber(json, path),
  $object: (reader, json, path, made) => reader.literal(json, path, made),
  $ref: (reader, json, path) => reader.reference(json, path),
  $regexp: (reader, json, path) => regexp(json, path),
  $set: (reader, json, path, made) => reader.set(json, path, made),
  $shared: (reader, json, path) => reader.shared(json, path),
  $undefined: (reader, json, path) => {
    if (json !== true) throw wrong(path, 'it must be true')
  },
})

function nothing() {}

function wrong(path, what) {
  return invalidArgument(path === '' ? what : `${path}: ${what}`)
}

function define(object, name, value, enumerable) {
  Object.defineProperty(object, name, { value, enumerable, writable: true, configurable: true })
}

function objectAt(json, path) {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json
  throw wrong(path, 'it must be an object')
}

function listAt(json, path) {
  if (Array.isArray(json)) return json
  throw wrong(path, 'it must be an array')
}

function textAt(json, path) {
  if (typeof json === 'string') return json
  throw wrong(path, 'it must be a string')
}

function specialNumber(json, path) {
  const value = { '-0': -0, NaN, Infinity, '-Infinity': -Infinity }[textAt(json, path)]
  if (value === undefined) throw wrong(path, 'it must be -0, NaN, Infinity or -Infinity')
  return value
}

function bigint(json, path) {
  if (!/^-?\d+$/.test(textAt(json, path))) throw wrong(path, 'it must be the digits of a number')
  return BigInt(json)
}

function date(json, path) {
  if (json === null) return new Date(NaN)
  const value = new Date(textAt(json, path))
  if (Number.isNaN(value.getTime())) throw wrong(path, 'it must be a time of ISO 8601, or null')
  return value
}

function regexp(json, path) {
  const [source, flags] = listAt(json, path)
  try {
    return new RegExp(textAt(source, path), textAt(flags, path))
  } catch (error) {
    throw wrong(path, error.message)
  }
}

function bytesAt({ base64 }, path) {
  if (!BASE64.test(textAt(base64, path)) || base64.length % 4 !== 0) {
    throw wrong(path, 'base64 must be Base64 with padding')
  }
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

function binary(json, path) {
  const { type } = objectAt(json, path)
  const { buffer } = bytesAt(json, path)
  if (type === 'ArrayBuffer') return buffer
  const View = VIEWS.has(type) ? globalThis[type] : undefined
  if (View === undefined) throw wrong(path, 'its type is not one of bytes here')
  if (buffer.byteLength % (View.BYTES_PER_ELEMENT ?? 1) !== 0) {
    throw wrong(path, `its bytes do not fill the elements of ${type}`)
  }
  return new View(buffer)
}

function blob(json, path) {
  const { type, name, lastModified } = objectAt(json, path)
  const bytes = [bytesAt(json, path)]
  if (name === undefined) return new Blob(bytes, { type: textAt(type, path) })
  const options = { type: textAt(type, path), lastModified }
  if (!Number.isInteger(lastModified)) throw wrong(path, 'lastModified must be a whole number')
  return new File(bytes, textAt(name, path), options)
}

function boxed(value, path) {
  if (!['number', 'string', 'boolean', 'bigint'].includes(typeof value)) {
    throw wrong(path, 'it must be a number, string, boolean or bigint')
  }
  return Object(value)
}

function domException({ name, message, stack }, path, made) {
  const error = emptyDomException(textAt(message, path), textAt(name, path))
  made(error)
  if (stack !== undefined) define(error, 'stack', textAt(stack, path), false)
  return error
}

module.exports = { fromTyped }
