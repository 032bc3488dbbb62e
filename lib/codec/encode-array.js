'use strict'

const { TAG, HOLE_RUN } = require('./tags')
const { isIndexKey, nextIndex } = require('./arrays')
const { writeFieldsWithKey } = require('./encode-key')
const { writeNumber } = require('./numbers')

const { hasOwn } = Object

/**
 * Writes an array at the writer's position.
 *
 * @param {import('./encode').DocumentEncoder} encoder
 * @param {unknown[]} array
 */
function writeArray(encoder, array) {
  if (encoder.namedArrayFields) {
    const keys = Object.keys(array)
    if (keys.length > 0 && !isIndexKey(keys[keys.length - 1])) {
      return writeNamedArray(encoder, array, keys, [])
    }
  }
  writeElements(encoder, array)
}

/**
 * Writes an array with fields besides its elements.
 *
 * @param {import('./encode').DocumentEncoder} encoder
 * @param {unknown[]} array
 * @param {string[]} keys its own keys
 * @param {string[]} keyNames the path to a key that it lacks, as in `writeFieldsWithKey`, or empty
 */
function writeNamedArray(encoder, array, keys, keyNames) {
  const { writer } = encoder
  writer.buffer[writer.position++] = TAG.NAMED_ARRAY
  encoder.enter(array, 1)
  writeElements(encoder, array)
  const fields = Object.create(null)
  for (const key of keys) {
    if (!isIndexKey(key) && key !== keyNames[0] && hasOwn(array, key)) fields[key] = array[key]
  }
  writer.ensure(0)
  if (keyNames.length > 0) writeFieldsWithKey(encoder, fields, keyNames)
  else encoder.fieldsByKeys(fields, writer.position)
  encoder.depth--
}

function writeElements(encoder, array) {
  const { writer } = encoder
  // A proxy may say any length.
  const length = array.length >>> 0
  const start = writer.position
  if (length < 8) {
    writer.buffer[writer.position++] = TAG.SHORT_ARRAY + length
  } else {
    writer.buffer[start] = TAG.ARRAY
    writer.view.setUint32(start + 5, length, true)
    writer.position = start + 9
  }
  let keys = null
  for (let i = 0; i < length; i++) {
    const value = array[i]
    if (typeof value === 'number') {
      if (writer.position > writer.limit) writer.grow(0)
      writeNumber(writer, value)
    } else if (value !== undefined || hasOwn(array, i)) {
      encoder.value(value)
    } else {
      keys ??= Object.keys(array)
      // Keys may have been removed since they were listed.
      const next = Math.max(i + 1, nextIndex(keys, i, length))
      writeHoles(writer, next - i, length, start)
      i = next - 1
    }
  }
  if (length >= 8) encoder.patchLength(start)
}

/** Writes holes of the array that begins at `start`; a long run makes it a sparse one. */
function writeHoles(writer, count, length, start) {
  writer.ensure(HOLE_RUN)
  if (count < HOLE_RUN || length < 8) {
    for (let i = 0; i < count; i++) writer.buffer[writer.position++] = TAG.HOLE
  } else {
    writer.buffer[start] = TAG.SPARSE_ARRAY
    writer.buffer[writer.position++] = TAG.HOLES
    writer.writeU32(count)
  }
}

module.exports = { writeArray, writeNamedArray }
