'use strict'

const { isDate, isProxy, isSharedArrayBuffer, isArrayBuffer } = require('node:util').types
const { LodestoreError } = require('../errors.js')

const EXPECTED = 'A key is a number, BigInt, Date, string, binary value or array of keys'
const EXPECTED_IN_INDEX =
  'A key of an index is null, a boolean, number, BigInt, Date, string, binary value or array'

/** Reasons that do not follow from the offending value alone. */
const CYCLE = 'an array that contains itself'
const TOO_DEEP = 'an array nested deeper than 1,000'
const HOLE = 'an array with a hole'

/** How many levels of a position are shown. */
const SHOWN_LEVELS = 20

/** Says what `value` is, without its contents and without running its code. */
function describe(value) {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'number':
      return 'NaN'
    case 'bigint':
      return 'a BigInt below -2^63 or above 2^64-1'
    case 'object':
      return describeObject(value)
    default:
      return `a ${typeof value}`
  }
}

function describeObject(value) {
  if (value === null) return 'null'
  if (isProxy(value)) return 'a Proxy'
  if (isDate(value)) return 'an invalid Date'
  if (isSharedArrayBuffer(value)) return 'a SharedArrayBuffer'
  if (isArrayBuffer(value)) return 'a detached ArrayBuffer'
  if (ArrayBuffer.isView(value)) return 'a view of a detached or shared buffer or out of its bounds'
  const name = classNameOf(value)
  return name === 'Object' || name === undefined ? 'an object' : `an object of class ${name}`
}

function classNameOf(value) {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || isProxy(prototype)) return undefined
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof constructor !== 'function' || isProxy(constructor)) return undefined
  const name = Object.getOwnPropertyDescriptor(constructor, 'name')?.value
  return typeof name === 'string' && name !== '' ? name.slice(0, 80) : undefined
}

function describePosition(position) {
  if (position.length === 0) return ''
  const shown = position.slice(0, SHOWN_LEVELS).map((index) => `[${index}]`)
  return ` (at ${shown.join('')}${position.length > SHOWN_LEVELS ? '…' : ''})`
}

/**
 * INVALID_KEY for what is not a key.
 * @param {string} what what it is instead
 * @param {number[]} position where in nested arrays
 * @param {boolean} inIndex whether null and booleans are admitted
 */
function invalidKey(what, position, inIndex) {
  const expected = inIndex ? EXPECTED_IN_INDEX : EXPECTED
  return new LodestoreError('INVALID_KEY', `${expected}, not ${what}${describePosition(position)}`)
}

/** INVALID_KEY for a key whose encoding exceeds MAX_KEY_BYTES. */
function keyTooLong() {
  return new LodestoreError('INVALID_KEY', 'A key must not take more than 64 MiB')
}

/** CORRUPT for encoded keys that nothing encodes to. */
function corruptKey(why) {
  return new LodestoreError('CORRUPT', `An encoded key is malformed: ${why}`)
}

module.exports = { CYCLE, TOO_DEEP, HOLE, describe, invalidKey, keyTooLong, corruptKey }
