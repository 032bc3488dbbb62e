'use strict'

const { LodestoreError } = require('../errors')
const { compare, copyKey } = require('../key/compare')
const { exception } = require('./exceptions')

/** Stands for what is not a key. */
const INVALID = Symbol('invalid')

/**
 * The key that a value is, as a copy that nothing else can change ("convert a value to a key").
 *
 * @param {unknown} value
 * @returns {unknown} INVALID if it is none
 * @throws what accessors of arrays throw
 */
function toKeyOrInvalid(value) {
  if (typeof value === 'number' && value === value) return value + 0
  try {
    return copyKey(value, false, false)
  } catch (error) {
    if (error instanceof LodestoreError && error.code === 'INVALID_KEY') return INVALID
    throw error
  }
}

/** @throws {DOMException} DataError */
function toKey(value) {
  const key = toKeyOrInvalid(value)
  if (key === INVALID) throw exception('DataError', 'The value is not a valid key')
  return key
}

module.exports = { INVALID, compare, toKey, toKeyOrInvalid }
