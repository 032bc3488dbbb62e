'use strict'

const { KIND, classify } = require('../codec/classify')
const { LodestoreError } = require('../errors')

/**
 * A document as what `JSON.stringify` makes plain JSON of. Types are lost: a Date becomes its ISO
 * string, a BigInt its digits, a Map an array of pairs, a Set an array, bytes Base64, a RegExp its
 * source, an Error `{ name, message }`, what is undefined or not a number null or nothing.
 *
 * @param {unknown} value what a store has given
 * @param {Map<Blob, Uint8Array>} [blobs] the bytes of the blobs in it
 * @throws {LodestoreError} UNSUPPORTED if it contains itself
 */
function toPlain(value, blobs) {
  return new Writer(blobs).write(value)
}

class Writer {
  #blobs
  #ancestors = new Set()

  constructor(blobs) {
    this.#blobs = blobs
  }

  write(value) {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (this.#ancestors.has(value)) {
      throw new LodestoreError('UNSUPPORTED', 'A document that contains itself is no plain JSON')
    }
    this.#ancestors.add(value)
    const plain = Array.isArray(value) ? Array.from(value, this.#item, this) : this.#object(value)
    this.#ancestors.delete(value)
    return plain
  }

  #item(value) {
    const plain = this.write(value)
    return plain === undefined ? null : plain
  }

  #object(object) {
    switch (classify(object, Object.getPrototypeOf(object))) {
      case KIND.DATE:
        return Number.isNaN(object.getTime()) ? null : object.toISOString()
      case KIND.REGEXP:
        return String(object)
      case KIND.MAP:
        return Array.from(object, ([key, item]) => [this.#item(key), this.#item(item)])
      case KIND.SET:
        return Array.from(object, this.#item, this)
      case KIND.ERROR:
        return { name: object.name, message: object.message }
      case KIND.BUFFER:
        return Buffer.from(object).toString('base64')
      case KIND.VIEW: {
        const { buffer, byteOffset, byteLength } = object
        return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
      }
      case KIND.BOXED:
        return this.write(object.valueOf())
      case KIND.BLOB:
        return Buffer.from(this.#blobs.get(object)).toString('base64')
      default:
        return this.#fields(object)
    }
  }

  #fields(object) {
    const fields = Object.create(null)
    for (const name of Object.keys(object)) {
      const value = this.write(object[name])
      if (value !== undefined) fields[name] = value
    }
    return fields
  }
}

module.exports = { toPlain }
