'use strict'

const { types } = require('node:util')
const { LodestoreError } = require('../errors')

/**
 * What an option may be.
 *
 * @typedef {object} Kind
 * @property {string} allows what is allowed, for the message: "a string"
 * @property {(value: any) => boolean} accepts
 */

/** @typedef {Record<string, Kind>} Specification the options of a method, by name */

const EMPTY = Object.freeze({})

/** An INVALID_ARGUMENT error; `path` names the argument. */
function invalidArgument(message, path) {
  return new LodestoreError('INVALID_ARGUMENT', message, path === undefined ? undefined : { path })
}

/** Names a value's kind for a message, never its content. */
function describe(value) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? `${value}` : 'a number that is not whole'
    case 'undefined':
      return 'undefined'
    case 'object':
      return types.isProxy(value) ? 'a proxy' : `an object (${constructorName(value)})`
    case 'function':
      return 'a function'
    default:
      return `a ${typeof value}`
  }
}

function constructorName(value) {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null) return 'without a prototype'
  const name = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value?.name
  return typeof name === 'string' && name !== '' ? name : 'of no class'
}

const quote = (names) => names.map((name) => `'${name}'`).join(', ')

/** @returns {Kind} one of these strings */
function oneOf(...allowed) {
  return { allows: `one of ${quote(allowed)}`, accepts: (value) => allowed.includes(value) }
}

/** @returns {Kind} a whole number within bounds */
function integer(minimum, maximum = Number.MAX_SAFE_INTEGER, unit = '') {
  const most = maximum === Number.MAX_SAFE_INTEGER ? 'up' : `to ${maximum}`
  return {
    allows: `a whole number from ${minimum} ${most}${unit === '' ? '' : ` (${unit})`}`,
    accepts: (value) => Number.isInteger(value) && value >= minimum && value <= maximum,
  }
}

/** @type {Kind} */
const boolean = { allows: 'true or false', accepts: (value) => typeof value === 'boolean' }

/** @type {Kind} */
const nonEmptyString = {
  allows: 'a string that is not empty',
  accepts: (value) => typeof value === 'string' && value !== '',
}

/** @type {Kind} */
const callback = { allows: 'a function', accepts: (value) => typeof value === 'function' }

/** @type {Kind} */
const abortSignal = {
  allows: 'an AbortSignal',
  accepts: (value) => value instanceof AbortSignal,
}

/** @type {Kind} */
const anything = { allows: 'anything', accepts: () => true }

/** Whether a value is an object that options can be read from. */
const isOptionsObject = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
)

/**
 * Checks the options of a method by name and type.
 *
 * @param {string} method the method's name, for messages
 * @param {unknown} options what the caller gave; `undefined` counts as no options
 * @param {Specification} specification
 * @param {string} [path] where the options stand among the arguments
 * @returns {Record<string, any>} a copy with the options that are not undefined
 * @throws {LodestoreError} INVALID_ARGUMENT naming the option and what is allowed
 */
const checkOptions = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, options, specification, path = 'options') {
    if (options === undefined) return EMPTY
    if (!isOptionsObject(options)) {
      const message = `${method}: ${path} must be an object, not ${describe(options)}`
      throw invalidArgument(message, path)
    }
    const checked = {}
    for (const name of Object.keys(options)) {
      if (!Object.hasOwn(specification, name)) {
        const allowed = quote(Object.keys(specification))
        const message = `${method}: there is no option '${name}' in ${path}; there are ${allowed}`
        throw invalidArgument(message, `${path}.${name}`)
      }
      const value = options[name]
      if (value === undefined) continue
      const kind = specification[name]
      if (kind !== anything) checkArgument(method, value, kind, `${path}.${name}`)
      checked[name] = value
    }
    return checked
  }
)

/**
 * Checks one argument.
 *
 * @template T
 * @param {string} method
 * @param {T} value
 * @param {Kind} kind
 * @param {string} path the argument's name
 * @returns {T} the value
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkArgument = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, value, kind, path) {
    if (kind.accepts(value)) return value
    throw invalidArgument(`${method}: ${path} must be ${kind.allows}, not ${describe(value)}`, path)
  }
)

/**
 * Checks an object of definitions, each of which has `on` beside other options.
 *
 * @param {string} method
 * @param {unknown} definitions by name; undefined for none
 * @param {Record<string, Kind>} specification of one
 * @param {string} path where they stand among the arguments
 * @param {Function} schemaOf called with `method`, the name, `on`, the rest, and where `on` stands
 * @returns {object[]} what it gave
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkDefinitions = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, definitions, specification, path, schemaOf) {
    if (definitions === undefined) return []
    if (!isOptionsObject(definitions)) {
      const given = describe(definitions)
      const message = `${method}: ${path} must be an object of definitions, not ${given}`
      throw invalidArgument(message, path)
    }
    const schemas = []
    for (const name of Object.keys(definitions)) {
      const at = `${path}.${name}`
      const { on, ...rest } = checkOptions(method, definitions[name], specification, at)
      schemas.push(schemaOf(method, name, on, rest, `${at}.on`))
    }
    return schemas
  }
)

module.exports = {
  EMPTY,
  abortSignal,
  anything,
  boolean,
  callback,
  checkArgument,
  checkDefinitions,
  checkOptions,
  describe,
  integer,
  invalidArgument,
  isOptionsObject,
  nonEmptyString,
  oneOf,
}
