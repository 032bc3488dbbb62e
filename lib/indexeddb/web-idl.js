'use strict'

const { refuseInterface } = require('../codec')

/* What Web IDL prescribes for interfaces and arguments. */

/** Constructors of interfaces without one take it as their first argument. */
const INTERNAL = Symbol('internal')

/** @throws {TypeError} if a constructor was called by others */
function checkInternal(token, name) {
  if (token !== INTERNAL) throw new TypeError(`Illegal constructor: ${name}`)
}

/** The constructor of an interface whose objects are made without it. @throws {TypeError} */
function refuseConstruction({ name }) {
  throw new TypeError(`Illegal constructor: ${name}`)
}

/**
 * Makes a class an interface: its members are enumerable, and its objects name it.
 *
 * @param {Function} constructor
 */
function defineInterface(constructor) {
  const { prototype, name } = constructor
  for (const holder of [prototype, constructor]) {
    const own = holder === constructor ? ['prototype', 'name', 'length'] : ['constructor']
    for (const key of Object.getOwnPropertyNames(holder)) {
      if (own.includes(key)) continue
      if (hidden.has(Object.getOwnPropertyDescriptor(holder, key).value)) continue
      Object.defineProperty(holder, key, { enumerable: true })
    }
  }
  const tag = { value: name, configurable: true }
  Object.defineProperty(prototype, Symbol.toStringTag, tag)
  refuseInterface(prototype)
}

/** Methods that replace those of a parent interface, which are not listed again. */
const hidden = new WeakSet()

/** @throws {TypeError} */
function requireArguments(given, needed, method) {
  if (given.length >= needed) return
  const some = needed === 1 ? '1 argument is' : `${needed} arguments are`
  throw new TypeError(`${method}: ${some} required, but only ${given.length} present`)
}

/** `unsigned long` with [EnforceRange]. @throws {TypeError} */
function toUnsignedLong(value, what) {
  return enforceRange(value, 0, 2 ** 32 - 1, what)
}

/** `unsigned long long` with [EnforceRange]. @throws {TypeError} */
function toUnsignedLongLong(value, what) {
  return enforceRange(value, 0, Number.MAX_SAFE_INTEGER, what)
}

function enforceRange(value, least, most, what) {
  // Unlike Number, which takes BigInts.
  const number = Math.trunc(+value)
  // Also false for NaN.
  if (!(number >= least && number <= most)) {
    throw new TypeError(`${what} must be a number from ${least} to ${most}`)
  }
  return number + 0
}

/** `DOMString`. @throws {TypeError} for symbols */
function toDomString(value) {
  return `${value}`
}

/** A value of an enumeration. @throws {TypeError} */
function toEnum(value, allowed, what) {
  const text = toDomString(value)
  if (allowed.includes(text)) return text
  throw new TypeError(`${what} must be one of ${allowed.join(', ')}, not '${text}'`)
}

/** Has no prototype, which programs may have given members of such names. */
const NO_MEMBERS = Object.freeze(Object.create(null))

/** A dictionary. @throws {TypeError} */
function toDictionary(value, what) {
  if (value === undefined || value === null) return NO_MEMBERS
  if (typeof value === 'object' || typeof value === 'function') return value
  throw new TypeError(`${what} must be an object`)
}

/**
 * `(DOMString or sequence<DOMString>)`.
 *
 * @returns {string | string[]}
 * @throws {TypeError}
 */
function toStrings(value) {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  if (!isObject) return toDomString(value)
  const iterate = value[Symbol.iterator]
  if (iterate === undefined || iterate === null) return toDomString(value)
  return Array.from({ [Symbol.iterator]: () => iterate.call(value) }, toDomString)
}

module.exports = {
  INTERNAL,
  checkInternal,
  defineInterface,
  hidden,
  refuseConstruction,
  requireArguments,
  toDictionary,
  toDomString,
  toEnum,
  toStrings,
  toUnsignedLong,
  toUnsignedLongLong,
}
