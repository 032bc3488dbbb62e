'use strict'

/** Calls that read the state which all reads of a turn share, and so hold it; see Turn. */
const HOLDING = new Set([
  'catalog',
  'catalogVersion',
  'createIndex',
  'readAsync',
  'shapes',
  'snapshot',
])

/**
 * The calls of an open database of the native library, made safe: what they throw is a
 * LodestoreError, and what they hold is let go of at the end of the turn.
 *
 * @param {object} native a NativeDatabase
 * @param {import('./turn').Turn} turn
 * @param {(reason: unknown) => Error} errorOf
 * @returns {object} functions of the same names
 */
function guardNative(native, turn, errorOf) {
  const guarded = {}
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(native))) {
    if (name === 'constructor') continue
    const call = native[name].bind(native)
    const holds = HOLDING.has(name)
    guarded[name] = (...args) => {
      if (holds) turn.hold()
      try {
        return call(...args)
      } catch (error) {
        throw errorOf(error)
      }
    }
  }
  return guarded
}

module.exports = { guardNative }
