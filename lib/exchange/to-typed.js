'use strict'

const { types } = require('node:util')
const { KIND, classify, isDomException, isFile } = require('../codec/classify')
const { HIDDEN_ERROR_FIELDS } = require('../codec/error-values')
const { ERROR_TYPES } = require('../codec/tags')

/*
 * Documents as JSON that keeps their types (docs/exchange.md): what JSON has stands for itself,
 * anything else is an object whose only field begins with a dollar.
 */

/**
 * A document as what `JSON.stringify` makes typed JSON of.
 *
 * @param {unknown} value what a store has given
 * @param {Map<Blob, Uint8Array>} [blobs] the bytes of the blobs in it
 */
function toTyped(value, blobs) {
  return new Writer(sharedIn(value), blobs).write(value)
}

/** The objects that occur more than once. @returns {Set<object>} */
function sharedIn(root) {
  const seen = new Set()
  const shared = new Set()
  const waiting = [root]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null) continue
    if (seen.has(value)) {
      shared.add(value)
      continue
    }
    seen.add(value)
    for (const child of childrenOf(value)) waiting.push(child)
  }
  return shared
}

function childrenOf(object) {
  if (Array.isArray(object)) return Object.values(object)
  switch (kindOf(object)) {
    case KIND.PLAIN:
      return Object.values(object)
    case KIND.MAP:
      return [...object.keys(), ...object.values()]
    case KIND.SET:
      return [...object]
    case KIND.ERROR:
      return isDomException(object) ? [] : [object.cause, object.errors, ...Object.values(object)]
    default:
      return []
  }
}

const kindOf = (object) => classify(object, Object.getPrototypeOf(object))

class Writer {
  #shared
  #blobs
  /** @type {Map<object, number>} the numbers of shared objects that were written */
  #numbers = new Map()

  constructor(shared, blobs) {
    this.#shared = shared
    this.#blobs = blobs
  }

  write(value) {
    switch (typeof value) {
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value
        return tagged('$number', Object.is(value, -0) ? '-0' : String(value))
      case 'bigint':
        return tagged('$bigint', String(value))
      case 'undefined':
        return tagged('$undefined', true)
      case 'object':
        return value === null ? null : this.#reference(value)
      default:
        return value
    }
  }

  #reference(object) {
    if (!this.#shared.has(object)) return this.#object(object)
    const known = this.#numbers.get(object)
    if (known !== undefined) return tagged('$ref', known)
    const number = this.#numbers.size + 1
    this.#numbers.set(object, number)
    return tagged('$shared', [number, this.#object(object)])
  }

  #object(object) {
    if (Array.isArray(object)) return this.#array(object)
    switch (kindOf(object)) {
      case KIND.DATE: {
        const time = object.getTime()
        return tagged('$date', Number.isNaN(time) ? null : object.toISOString())
      }
      case KIND.REGEXP:
        return tagged('$regexp', [object.source, object.flags])
      case KIND.MAP:
        return tagged(
          '$map',
          Array.from(object, ([key, item]) => [this.write(key), this.write(item)]),
        )
      case KIND.SET:
        return tagged(
          '$set',
          Array.from(object, (item) => this.write(item)),
        )
      case KIND.ERROR:
        return tagged('$error', this.#error(object))
      case KIND.BUFFER:
        return binary('ArrayBuffer', Buffer.from(object))
      case KIND.VIEW:
        return binary(viewType(object), bytesOf(object))
      case KIND.BOXED:
        return tagged('$boxed', this.write(object.valueOf()))
      case KIND.BLOB:
        return tagged('$blob', this.#blob(object))
      default:
        return this.#plain(object)
    }
  }

  #plain(object) {
    const names = Object.keys(object)
    const fields = this.#fields(object, names)
    return names.some((name) => name.startsWith('$')) ? tagged('$object', fields) : fields
  }

  #fields(object, names) {
    const fields = Object.create(null)
    for (const name of names) fields[name] = this.write(object[name])
    return fields
  }

  #array(array) {
    const names = Object.keys(array)
    const { length } = array
    if (names.length === length && isDense(names)) return array.map((item) => this.write(item))
    const fields = names.filter((name) => !isIndex(name))
    return tagged('$array', {
      length,
      items: names.filter(isIndex).map((name) => [Number(name), this.write(array[name])]),
      ...(fields.length > 0 && { fields: this.#fields(array, fields) }),
    })
  }

  #error(error) {
    if (isDomException(error)) {
      const { name, message, stack } = error
      return { type: 'DOMException', name, message, stack }
    }
    const hidden = HIDDEN_ERROR_FIELDS.filter((name) => Object.hasOwn(error, name))
    return {
      type: errorType(error),
      ...this.#fields(error, hidden),
      fields: this.#fields(
        error,
        Object.keys(error).filter((name) => !hidden.includes(name)),
      ),
    }
  }

  #blob(blob) {
    const base64 = Buffer.from(this.#blobs.get(blob)).toString('base64')
    const { type, name, lastModified } = blob
    return isFile(blob) ? { type, name, lastModified, base64 } : { type, base64 }
  }
}

function tagged(tag, value) {
  return { [tag]: value }
}

function binary(type, bytes) {
  return tagged('$binary', { type, base64: bytes.toString('base64') })
}

function viewType(view) {
  return types.isDataView(view) ? 'DataView' : view[Symbol.toStringTag]
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function errorType(error) {
  for (let at = error; at !== null; at = Object.getPrototypeOf(at)) {
    const name = Object.getOwnPropertyDescriptor(at, 'name')?.value
    if (at !== error && ERROR_TYPES.includes(name)) return name
  }
  return 'Error'
}

/** Whether names are those of elements alone: they come first, in order. */
function isDense(names) {
  return names.length === 0 || names[names.length - 1] === String(names.length - 1)
}

function isIndex(name) {
  const number = Number(name)
  return number >= 0 && number < 2 ** 32 - 1 && String(Math.trunc(number)) === name
}

module.exports = { toTyped }
