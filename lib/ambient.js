'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')

/**
 * The transaction that asynchronous code belongs to.
 *
 * @typedef {object} Token
 * @property {object} connection the database's connection
 * @property {object | null} scope what calls on the database join; null outside of transactions
 * @property {boolean} joins whether calls on the database join, or only calls on the transaction
 * @property {Token | undefined} parent
 */

const storage = new AsyncLocalStorage()

/**
 * Tokens that some code may still carry. Storage that is enabled makes every `await` of the process
 * twice as expensive (on Node.js without AsyncContextFrame), so it is disabled with the last one.
 */
let carried = 0

const collected = new FinalizationRegistry(() => {
  if (--carried === 0) storage.disable()
})

/**
 * Runs a function, and what it starts, inside a transaction's context.
 *
 * @template T
 * @param {object} connection
 * @param {object | null} scope
 * @param {boolean} joins
 * @param {() => T} run
 * @returns {T}
 */
function runWith(connection, scope, joins, run) {
  const token = { connection, scope, joins, parent: current() }
  carried++
  collected.register(token, undefined)
  return storage.run(token, run)
}

/** @returns {Token | undefined} */
function current() {
  return carried === 0 ? undefined : storage.getStore()
}

/**
 * The innermost context of a database that the calling code carries.
 *
 * @param {object} connection
 * @param {boolean} joinsOnly leave out contexts that calls on the database do not join
 * @returns {object | null | undefined} its scope
 */
function scopeOf(connection, joinsOnly) {
  for (let token = current(); token !== undefined; token = token.parent) {
    if (token.connection === connection && (token.joins || !joinsOnly)) return token.scope
  }
  return undefined
}

/** Whether any code may carry a context; cheap, for hot paths. */
const isCarried = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function () {
    return carried > 0
  }
)

module.exports = { runWith, scopeOf, isCarried }
