'use strict'

const { LodestoreError } = require('../errors')
const { TAG, MAX_DEPTH, MAX_DOCUMENT_BYTES } = require('./tags')
const { writeNumber } = require('./numbers')
const { copyLatin1, writeString, LOOP_BELOW } = require('./strings')
const { NO_NODE } = require('./shape-trie')
const { References } = require('./references')
const { KIND, classify } = require('./classify')
const { findInjection } = require('./inject')
const { findPath } = require('./locate')
const { writeArray, writeNamedArray } = require('./encode-array')
const { writeFieldsWithKey } = require('./encode-key')
const { writeBigInt, writeSpecial } = require('./encode-special')

const { hasOwn } = Object

/** Writes values as documents (docs/format.md). One encoder serves any number of stores. */
class DocumentEncoder {
  /**
   * @param {object} [options]
   * @param {boolean} [options.namedArrayFields] whether fields of arrays that are not elements
   *   are stored, as IndexedDB wants; default `false`, which saves a look at every array's keys
   */
  constructor({ namedArrayFields = false } = {}) {
    this.namedArrayFields = namedArrayFields
    /** After `encode` with `inject`: where the key's number stands, from the document's start. */
    this.injectedAt = -1
    this.references = new References()
    this.writer = null
    this.shapes = null
    this.blobs = null
    this.active = false
    /** Where the document's root value begins. */
    this.start = 0
    this.depth = 0
    this.referenced = false
    this.pollutedPrototype = false
    /** Stands for the document on shape nodes; made when the first object is written inline. */
    this.token = null
    this.injection = null
    /** The object that still waits for its key. */
    this.target = null
    /** Where the object that got its key begins, and its number to be patched, or -1. */
    this.targetAt = -1
    this.placeholderAt = -1
    this.culprit = undefined
  }

  /**
   * Writes `value` as one document at `writer.position` and moves it. After an exception the
   * caller puts `writer.position` back. Getters and proxies may call `encode` again, with another
   * writer (see `WriteBuffer.busy`).
   *
   * @param {unknown} value
   * @param {import('./shapes').ShapeTable} shapes the store's
   * @param {import('./write-buffer').WriteBuffer} writer
   * @param {{ path: string[], value?: unknown } | null} [inject] a key that the value lacks: it is
   *   written as if it had `value` there or, without one, a number to be patched at `injectedAt`
   * @param {Map<Blob, Uint8Array> | null} [blobs] the bytes of the blobs in `value`, read before
   * @returns {number} the document's end, `writer.position`
   * @throws {LodestoreError} DATA_CLONE (with `path`), INVALID_KEY, RESOURCE_LIMIT
   */
  encode(value, shapes, writer, inject = null, blobs = null) {
    if (writer.busy) {
      throw new LodestoreError('INVALID_ARGUMENT', 'The buffer is in use by an outer document')
    }
    if (this.active) return this.encodeNested(value, shapes, writer, inject, blobs)
    this.active = true
    writer.busy = true
    this.writer = writer
    this.shapes = shapes
    this.blobs = blobs
    this.start = writer.position
    this.depth = 0
    shapes.trie.beginDocument()
    try {
      this.pollutedPrototype = hasEnumerableField(Object.prototype)
      if (inject !== null) this.prepareInjection(value, inject)
      this.value(value)
      if (inject !== null && this.target !== null) {
        throw new LodestoreError('INVALID_KEY', 'The value changed while its key was injected')
      }
      this.finish(inject)
      return writer.position
    } catch (error) {
      throw this.withPath(error, value)
    } finally {
      this.reset()
      writer.busy = false
    }
  }

  encodeNested(value, shapes, writer, inject, blobs) {
    const encoder = new DocumentEncoder({ namedArrayFields: this.namedArrayFields })
    const end = encoder.encode(value, shapes, writer, inject, blobs)
    this.injectedAt = encoder.injectedAt
    return end
  }

  prepareInjection(value, inject) {
    this.injection = findInjection(value, inject.path, this.namedArrayFields)
    this.injection.value = inject.value
    this.target = this.injection.target
  }

  finish(inject) {
    const { writer, start } = this
    if (this.referenced) {
      writer.ensure(1)
      writer.buffer.copyWithin(start + 1, start, writer.position)
      writer.buffer[start] = TAG.WITH_REFERENCES
      writer.position++
    }
    if (writer.position - start > MAX_DOCUMENT_BYTES) {
      throw new LodestoreError('RESOURCE_LIMIT', 'A document may take at most 1 GiB')
    }
    if (inject !== null) {
      const at = this.placeholderAt
      this.injectedAt = at < 0 ? -1 : at - start + (this.referenced ? 1 : 0)
    }
  }

  reset() {
    this.references.clear()
    this.active = false
    this.writer = null
    this.shapes = null
    this.blobs = null
    this.referenced = false
    this.token = null
    this.injection = null
    this.target = null
    this.targetAt = -1
    this.placeholderAt = -1
    this.culprit = undefined
  }

  /** Refuses a value; where it stands is found by `withPath`, off the fast path. */
  refuse(value, reason) {
    this.culprit = { value }
    throw new LodestoreError('DATA_CLONE', reason)
  }

  withPath(error, root) {
    if (this.culprit === undefined || error?.code !== 'DATA_CLONE') return error
    const path = findPath(root, this.culprit.value)
    const place = path === '' ? '' : `'${path}': `
    return new LodestoreError('DATA_CLONE', place + error.message, { path })
  }

  /** Goes some levels deeper. */
  enter(object, levels) {
    this.depth += levels
    if (this.depth > MAX_DEPTH) {
      this.refuse(object, `Values nested deeper than ${MAX_DEPTH} levels cannot be stored`)
    }
  }

  /** Writes any value. */
  value(value) {
    const { writer } = this
    if (writer.position > writer.limit) writer.grow(0)
    switch (typeof value) {
      case 'string':
        return writeString(writer, value)
      case 'number':
        return writeNumber(writer, value)
      case 'object':
        if (value === null) writer.buffer[writer.position++] = TAG.NULL
        else this.object(value)
        return
      case 'boolean':
        writer.buffer[writer.position++] = value ? TAG.TRUE : TAG.FALSE
        return
      case 'undefined':
        writer.buffer[writer.position++] = TAG.UNDEFINED
        return
      case 'bigint':
        return writeBigInt(writer, value)
      default:
        this.refuse(value, `A ${typeof value} cannot be stored`)
    }
  }

  /** Writes an object of any kind, or a reference to where it stands already. */
  object(object) {
    const { writer } = this
    const start = writer.position
    const known = this.references.add(object, start)
    if (known >= 0) {
      this.referenced = true
      writer.buffer[start] = TAG.REFERENCE
      writer.view.setUint32(start + 1, known - this.start, true)
      writer.position = start + 5
      return
    }
    this.enter(object, 1)
    if (object === this.target) this.injectedObject(object, start)
    else if (Array.isArray(object)) writeArray(this, object)
    else {
      const prototype = Object.getPrototypeOf(object)
      if (prototype === Object.prototype) {
        if (this.pollutedPrototype) this.fieldsByKeys(object, start)
        else this.fields(object, start)
      } else {
        const kind = classify(object, prototype)
        if (kind === KIND.PLAIN) this.fieldsByKeys(object, start)
        else writeSpecial(this, object, kind)
      }
    }
    this.depth--
  }

  /** Writes the fields of an object that inherits no enumerable ones. */
  fields(object, start) {
    let node = this.shapes.trie.root
    for (const key in object) {
      node = node.key === key ? node.next : node.otherChild(key)
      if (node === NO_NODE) break
    }
    const { names } = node
    if (names === null) return this.fieldsByKeys(object, start)
    const { writer } = this
    writer.buffer[start] = TAG.SHAPED | (node.id >> 8)
    writer.buffer[start + 1] = node.id & 0xff
    writer.position = start + 2
    let i = 0
    for (const key in object) {
      if (key !== names[i]) return this.fieldsAgain(object, names, start)
      i++
      const value = object[key]
      const { buffer, position } = writer
      if (position > writer.limit) {
        this.value(value)
      } else if (typeof value === 'string') {
        const { length } = value
        const end = length < LOOP_BELOW ? copyLatin1(buffer, position + 1, value, length) : -1
        if (end < 0) writeString(writer, value)
        else {
          buffer[position] = TAG.SHORT_STRING + length
          writer.position = end
        }
      } else if (typeof value === 'number') {
        writeNumber(writer, value)
      } else {
        this.value(value)
      }
    }
    if (i !== names.length) this.fieldsAgain(object, names, start)
  }

  /** Writes the fields of any object, by its own enumerable string keys. */
  fieldsByKeys(object, start) {
    this.namedFields(object, Object.keys(object), start)
  }

  /** Writes the head of an object: its shape, or its names. */
  head(keys) {
    const { writer, shapes } = this
    const { position } = writer
    let node = shapes.trie.find(keys)
    if (node.id < 0) node = shapes.sight(keys)
    if (node !== null) {
      if (node.id >= 0) {
        writer.buffer[position] = TAG.SHAPED | (node.id >> 8)
        writer.buffer[position + 1] = node.id & 0xff
        writer.position = position + 2
        return
      }
      if (node.document !== null && node.document === this.token) {
        writer.buffer[position] = TAG.INLINE_AGAIN
        writer.view.setUint32(position + 1, node.inlineAt, true)
        writer.position = position + 5
        return
      }
      this.token ??= {}
      node.document = this.token
      node.inlineAt = position - this.start
    }
    writer.buffer[position] = TAG.INLINE
    writer.buffer[position + 1] = keys.length
    writer.position = position + 2
    for (let i = 0; i < keys.length; i++) writeString(writer, keys[i])
  }

  /** Writes the head of an object of more than 255 fields, whose length is still to be patched. */
  wideHead(keys) {
    const { writer } = this
    const { position } = writer
    writer.buffer[position] = TAG.WIDE_INLINE
    writer.view.setUint32(position + 5, keys.length, true)
    writer.position = position + 9
    for (let i = 0; i < keys.length; i++) writeString(writer, keys[i])
  }

  namedFields(object, keys, start) {
    const wide = keys.length > 255
    if (wide) this.wideHead(keys)
    else this.head(keys)
    for (let i = 0; i < keys.length; i++) {
      const value = object[keys[i]]
      if (value === undefined && !hasOwn(object, keys[i])) {
        return this.fieldsAgain(object, keys, start)
      }
      this.value(value)
    }
    if (wide) this.patchLength(start)
  }

  /**
   * Writes an object again whose fields changed while they were read: those of `keys` that are
   * still there, from a copy.
   */
  fieldsAgain(object, keys, start) {
    this.rollback(start)
    const copy = Object.create(null)
    for (const key of keys) if (hasOwn(object, key)) copy[key] = object[key]
    this.namedFields(copy, Object.keys(copy), start)
  }

  rollback(start) {
    this.writer.position = start
    this.references.rollback(start)
    this.token = null
    if (this.targetAt > start) {
      this.target = this.injection.target
      this.targetAt = -1
      this.placeholderAt = -1
    }
  }

  /** Fills in the byte length of the container at `start`, which ends here. */
  patchLength(start) {
    this.writer.view.setUint32(start + 1, this.writer.position - start - 9, true)
  }

  injectedObject(object, start) {
    const { names } = this.injection
    this.target = null
    this.targetAt = start
    if (Array.isArray(object)) writeNamedArray(this, object, Object.keys(object), names)
    else writeFieldsWithKey(this, object, names)
  }
}

function hasEnumerableField(prototype) {
  for (const key in prototype) return key !== undefined
  return false
}

module.exports = { DocumentEncoder }
