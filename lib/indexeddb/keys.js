'use strict'

const { isDate, isProxy } = require('node:util').types
const { bytesOf } = require('../key/binary')
const { compare } = require('../key/compare')
const { MAX_DEPTH } = require('../key/tags')
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
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return value === value ? value + 0 : INVALID
    case 'object':
      return value === null ? INVALID : toObjectKey(value, [])
    default:
      return INVALID
  }
}

function toObjectKey(value, ancestors) {
  if (isProxy(value)) return INVALID
  if (Array.isArray(value)) return toArrayKey(value, ancestors)
  if (isDate(value)) {
    const time = Date.prototype.getTime.call(value)
    return time === time ? new Date(time) : INVALID
  }
  const bytes = bytesOf(value)
  return bytes === undefined ? INVALID : new Uint8Array(bytes).buffer
}

function toArrayKey(array, ancestors) {
  if (ancestors.includes(array) || ancestors.length === MAX_DEPTH) return INVALID
  ancestors.push(array)
  const { length } = array
  // Not `push`, which calls setters that Object.prototype may have.
  const keys = Array.from({ length })
  for (let i = 0; i < length; i++) {
    if (!Object.hasOwn(array, i)) return INVALID
    const element = array[i]
    const isObject = typeof element === 'object' && element !== null
    const key = isObject ? toObjectKey(element, ancestors) : toKeyOrInvalid(element)
    if (key === INVALID) return INVALID
    keys[i] = key
  }
  ancestors.pop()
  return keys
}

/** @throws {DOMException} DataError */
function toKey(value) {
  const key = toKeyOrInvalid(value)
  if (key === INVALID) throw exception('DataError', 'The value is not a valid key')
  return key
}

module.exports = { INVALID, compare, toKey, toKeyOrInvalid }
