'use strict'

const { TAG } = require('./tags')

/**
 * Writes an object with the key that it lacks, which becomes its last field: inside new objects,
 * where there are more names.
 *
 * @param {import('./encode').DocumentEncoder} encoder
 * @param {object} object
 * @param {string[]} names the field of `object`, then those of the new objects
 */
function writeFieldsWithKey(encoder, object, names) {
  const { writer } = encoder
  const start = writer.position
  const keys = Object.keys(object)
  if (!keys.includes(names[0])) keys.push(names[0])
  const wide = keys.length > 255
  if (wide) encoder.wideHead(keys)
  else encoder.head(keys)
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] === names[0]) writeKeyInside(encoder, object, names)
    else encoder.value(object[keys[i]])
  }
  if (wide) encoder.patchLength(start)
}

/** Writes the key, inside a new object for each name after the first. */
function writeKeyInside(encoder, object, names) {
  const { writer, injection } = encoder
  const levels = names.length - 1
  encoder.enter(object, levels)
  for (let i = 1; i < names.length; i++) {
    writer.ensure(0)
    encoder.head([names[i]])
  }
  if (injection.value === undefined) {
    writer.writeU8(TAG.F64)
    encoder.placeholderAt = writer.position
    writer.writeF64(0)
  } else {
    encoder.value(injection.value)
  }
  encoder.depth -= levels
}

module.exports = { writeFieldsWithKey }
