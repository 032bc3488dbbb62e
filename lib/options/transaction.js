'use strict'

const {
  checkArgument,
  checkOptions,
  describe,
  integer,
  invalidArgument,
  oneOf,
} = require('./check')

const mode = oneOf('readwrite', 'readonly')

const TRANSACTION_OPTIONS = {
  mode,
  stores: {
    allows: "an array of store names or a store's name",
    accepts: (value) => typeof value === 'string' || Array.isArray(value),
  },
  timeout: integer(0, 2 ** 31 - 1, 'milliseconds; 0 is no limit'),
  idleTimeout: integer(0, 2 ** 31 - 1, 'milliseconds; 0 is no limit'),
  durability: oneOf('strict', 'relaxed'),
}

/** What only the outermost transaction can decide. */
const OUTERMOST = ['timeout', 'idleTimeout', 'durability']

/**
 * Checks the options of a transaction.
 *
 * @param {string} method
 * @param {unknown} options
 * @returns {{ mode?: 'readwrite' | 'readonly', allowed: Set<string> | null, timeout?: number,
 *   idleTimeout?: number, durability?: 'strict' | 'relaxed' }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkTransaction(method, options) {
  const { stores, ...checked } = checkOptions(method, options, TRANSACTION_OPTIONS)
  if (checked.mode === 'readonly') {
    for (const name of OUTERMOST) {
      if (checked[name] === undefined) continue
      const message = `${method}: options.${name} is for transactions that write`
      throw invalidArgument(message, `options.${name}`)
    }
  }
  return { ...checked, allowed: stores === undefined ? null : storeSet(method, stores) }
}

function storeSet(method, stores) {
  const names = typeof stores === 'string' ? [stores] : [...stores]
  for (const [i, name] of names.entries()) {
    if (typeof name === 'string') continue
    const path = `options.stores[${i}]`
    throw invalidArgument(`${method}: ${path} must be a store's name, not ${describe(name)}`, path)
  }
  return new Set(names)
}

/**
 * Checks the options of a transaction inside another one.
 *
 * @param {string} method
 * @param {object} options what `checkTransaction` gave
 * @param {Set<string> | null} outer the stores of the outer transaction
 * @returns {Set<string> | null} the stores of the inner one
 */
function checkNested(method, options, outer) {
  for (const name of OUTERMOST) {
    if (options[name] === undefined) continue
    const message = `${method}: options.${name} can only be given to the outermost transaction`
    throw invalidArgument(message, `options.${name}`)
  }
  const { allowed } = options
  if (allowed === null || outer === null) return allowed ?? outer
  for (const name of allowed) {
    if (outer.has(name)) continue
    const message = `${method}: the outer transaction was not opened for the store '${name}'`
    throw invalidArgument(message, 'options.stores')
  }
  return allowed
}

/** Checks the function that runs in a transaction. */
function checkFunction(method, fn) {
  const kind = { allows: 'a function', accepts: (value) => typeof value === 'function' }
  return checkArgument(method, fn, kind, 'fn')
}

module.exports = { checkTransaction, checkNested, checkFunction }
