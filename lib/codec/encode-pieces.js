'use strict'

const { DocumentEncoder } = require('./encode')
const { writeString } = require('./strings')
const { TAG } = require('./tags')

/** Values that are written between two pauses. */
const STEPS = 64

/** Writes plain data a piece at a time. */
class PieceEncoder extends DocumentEncoder {
  left = STEPS

  /** @returns {boolean} whether it is time for a pause */
  step() {
    if (--this.left > 0) return false
    this.left = STEPS
    return true
  }

  *pieces(value) {
    if (this.step()) yield
    if (!isPlain(value)) return this.value(value)
    this.enter(value, 1)
    const { writer } = this
    writer.ensure(0)
    if (Array.isArray(value)) yield* this.elements(value, writer.position)
    else yield* this.fieldPieces(value, Object.keys(value), writer.position)
    this.depth--
  }

  *elements(array, start) {
    const { writer } = this
    const { length } = array
    const isShort = length < 8
    if (isShort) writer.buffer[writer.position++] = TAG.SHORT_ARRAY + length
    else this.longHead(TAG.ARRAY, length)
    for (let i = 0; i < length; i++) {
      const item = array[i]
      if (typeof item === 'object') yield* this.pieces(item)
      else {
        if (this.step()) yield
        this.value(item)
      }
    }
    if (!isShort) this.patchLength(start)
  }

  *fieldPieces(object, keys, start) {
    const wide = keys.length > 255
    if (wide) {
      this.longHead(TAG.WIDE_INLINE, keys.length)
      for (const key of keys) {
        if (this.step()) yield
        writeString(this.writer, key)
      }
    } else {
      this.head(keys)
    }
    for (const key of keys) yield* this.pieces(object[key])
    if (wide) this.patchLength(start)
  }

  /** The head of a container whose length in bytes is still to be patched. */
  longHead(tag, count) {
    const { writer } = this
    const { position } = writer
    writer.buffer[position] = tag
    writer.view.setUint32(position + 5, count, true)
    writer.position = position + 9
  }
}

function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Writes a document as `DocumentEncoder.encode` does, pausing every few values: the writer is the
 * caller's alone until the end. It has to be data in which no code of the user runs; what stands in
 * it several times is written as often.
 *
 * @param {unknown} value
 * @param {import('./shapes').ShapeTable} shapes used by nobody else
 * @param {import('./write-buffer').WriteBuffer} writer
 * @throws {LodestoreError} as `DocumentEncoder.encode`
 */
function* encodeInPieces(value, shapes, writer) {
  const encoder = new PieceEncoder()
  encoder.writer = writer
  encoder.shapes = shapes
  encoder.start = writer.position
  shapes.trie.beginDocument()
  try {
    yield* encoder.pieces(value)
    encoder.finish(null)
  } catch (error) {
    throw encoder.withPath(error, value)
  }
}

module.exports = { encodeInPieces }
