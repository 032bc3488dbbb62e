'use strict'

const { TypedArrayPrototype, intrinsicGetter } = require('../key/binary')

/** What typed arrays may be vectors, by name; not all runtimes have all. */
const TYPES = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Float16Array: globalThis.Float16Array,
}

/** Getters; the first gives the name of a typed array, and undefined of anything else. */
const typeName = intrinsicGetter(TypedArrayPrototype, Symbol.toStringTag)
const lengthOf = intrinsicGetter(TypedArrayPrototype, 'length')
const byteLengthOf = intrinsicGetter(TypedArrayPrototype, 'byteLength')

/*
 * A buffer of its own for each copy would take longer than all else that is done to copy a query
 * with a vector.
 */
const SHARED_BYTES = 32 << 10
const MOST_BYTES = 4 << 10
let shared = null
let used = SHARED_BYTES

/** A copy in memory that is shared with other copies; longer ones have a buffer of their own. */
function copyOf(Type, value) {
  const bytes = byteLengthOf.call(value)
  // What is detached has no bytes, and is refused.
  if (bytes === 0 || bytes > MOST_BYTES) return new Type(value)
  if (used + bytes > SHARED_BYTES) {
    shared = new ArrayBuffer(SHARED_BYTES)
    used = 0
  }
  const copy = new Type(shared, used, lengthOf.call(value))
  copy.set(value)
  used = (used + bytes + 7) & ~7
  return copy
}

/**
 * A copy of a typed array of one of the types of vectors: of the elements alone, where structured
 * clone copies all of the buffer, and takes far longer for a short one.
 *
 * @param {unknown} value
 * @returns {object | undefined} undefined for anything else
 * @throws {TypeError} if it is detached, or out of the bounds of its buffer
 */
function copyTypedArray(value) {
  const name = typeName.call(value)
  const Type = name === undefined ? undefined : TYPES[name]
  return Type === undefined ? undefined : copyOf(Type, value)
}

module.exports = { copyTypedArray }
