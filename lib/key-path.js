'use strict'

const { invalidArgument, describe } = require('./options/check')

const { getOwnPropertyDescriptor, getPrototypeOf, prototype: objectPrototype } = Object

/** The key path gives nothing, so that a generator may fill it in. */
const MISSING = Symbol('missing')
/** Only the writer can tell what the key path gives. */
const UNDECIDED = Symbol('undecided')

/**
 * Checks one key path: field names, separated by dots.
 *
 * @param {string} method for messages
 * @param {unknown} path
 * @param {string} argument where it stands among the arguments
 * @returns {string}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkPath = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, path, argument) {
    if (typeof path !== 'string') {
      const message = `${method}: ${argument} must be a key path (a string), not ${describe(path)}`
      throw invalidArgument(message, argument)
    }
    if (path === '' || path.split('.').includes('') || path.startsWith('-')) {
      const message =
        `${method}: ${argument} must be field names separated by dots, such as 'a.b'; ` +
        'no name may be empty, and the first may not begin with a minus'
      throw invalidArgument(message, argument)
    }
    return path
  }
)

/**
 * Checks the key path of a store: one path, or an array of them for a compound key.
 *
 * @returns {string | string[]} a copy
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkKeyPath = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, keyPath, argument) {
    if (!Array.isArray(keyPath)) return checkPath(method, keyPath, argument)
    if (keyPath.length === 0) {
      throw invalidArgument(`${method}: ${argument} must name at least one field`, argument)
    }
    return keyPath.map((path, i) => checkPath(method, path, `${argument}[${i}]`))
  }
)

/** Reads the key that a document holds at one path, for as far as that can be seen from here. */
class KeyReader {
  /** @param {string | string[]} keyPath */
  constructor(keyPath) {
    /** The names on the way to the key; null for a compound key. */
    this.segments = typeof keyPath === 'string' ? keyPath.split('.') : null
    this.paths = this.segments === null ? keyPath.map((path) => path.split('.')) : [this.segments]
  }

  /**
   * The number or string that stands at the path in own data properties of plain objects; MISSING
   * if the field is not there or undefined; UNDECIDED for everything else.
   *
   * Accessors are not run: the encoder runs them, once.
   *
   * @param {unknown} document
   * @returns {number | string | typeof MISSING | typeof UNDECIDED}
   */
  read(document) {
    const { segments } = this
    if (segments === null) return UNDECIDED
    let value = document
    for (let i = 0; i < segments.length; i++) {
      if (typeof value !== 'object' || value === null) return UNDECIDED
      const prototype = getPrototypeOf(value)
      const property = getOwnPropertyDescriptor(value, segments[i])
      if (prototype !== objectPrototype && prototype !== null) {
        return property === undefined && isOrdinary(value) ? MISSING : UNDECIDED
      }
      if (property === undefined) return MISSING
      if (!property.enumerable) return MISSING
      if (!('value' in property)) return UNDECIDED
      value = property.value
    }
    if (typeof value === 'string') return value
    if (typeof value === 'number') return value + 0
    return value === undefined ? MISSING : UNDECIDED
  }

  /**
   * The key that a document holds, accessors included.
   *
   * @param {unknown} document
   * @returns {unknown} undefined if a part is missing
   */
  evaluate(document) {
    const parts = this.paths.map((segments) => segments.reduce(ownField, document))
    if (parts.includes(undefined)) return undefined
    return this.segments === null ? parts : parts[0]
  }
}

/** The value of an own field; undefined for what has no fields. */
function ownField(value, name) {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return value[name]
}

/** Whether an instance of a class is stored as a plain object, rather than an array or built-in. */
function isOrdinary(value) {
  return !Array.isArray(value) && Object.prototype.toString.call(value) === '[object Object]'
}

module.exports = { KeyReader, MISSING, UNDECIDED, checkPath, checkKeyPath }
