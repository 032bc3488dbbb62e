'use strict'

/** What typed arrays may be vectors, by name; not all runtimes have all. */
const TYPES = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Float16Array: globalThis.Float16Array,
}

/** The name of a typed array's type; undefined of anything else. */
const typeNameOf = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
    .get,
)

/**
 * A copy of a typed array of one of the types of vectors: of the elements alone, where structured
 * clone copies all of the buffer, and takes far longer for a short one.
 *
 * @param {unknown} value
 * @returns {object | undefined} undefined for anything else
 * @throws {TypeError} if it is detached, or out of the bounds of its buffer
 */
function copyTypedArray(value) {
  const name = typeNameOf(value)
  const Type = name === undefined ? undefined : TYPES[name]
  return Type === undefined ? undefined : new Type(value)
}

module.exports = { copyTypedArray }
