'use strict'

const { TransactionSession } = require('./transaction-session')

/**
 * Runs work that must be done as a whole: in a savepoint if the view is a transaction, else in a
 * transaction of its own.
 *
 * @template T
 * @param {object} view
 * @param {boolean} runsUserCode whether the function awaits code of the user, whose calls on the
 *   database must then join: they would wait for this transaction to end
 * @param {(scope: object) => Promise<T>} run
 * @returns {Promise<T>}
 */
async function inTransaction(view, runsUserCode, run) {
  if (view.interactive) {
    return await view.savepoint({ allowed: view.allowed, readOnly: false }, true, run)
  }
  const options = { allowed: view.allowed }
  const session = await TransactionSession.begin(view.connection, options, runsUserCode)
  return await session.run(run)
}

module.exports = { inTransaction }
