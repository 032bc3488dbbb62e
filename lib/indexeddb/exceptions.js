'use strict'

const { LodestoreError } = require('../errors')

// Taken once: programs may replace the global one.
const { DOMException } = globalThis

/** A write that does not fit, where the runtime has no class for it (Web IDL, 2025). */
class OwnQuotaExceededError extends DOMException {
  constructor(message = '') {
    super(message, 'QuotaExceededError')
  }

  /** Bytes that may be used; null: not known. */
  get quota() {
    return null
  }

  /** Bytes that were asked for; null: not known. */
  get requested() {
    return null
  }
}
Object.defineProperty(OwnQuotaExceededError, 'name', { value: 'QuotaExceededError' })

const { QuotaExceededError = OwnQuotaExceededError } = globalThis

/** The name of the exception that stands for an error code; others are an UnknownError. */
const NAMES = Object.freeze({
  ABORTED: 'AbortError',
  CLOSED: 'AbortError',
  DATA_CLONE: 'DataCloneError',
  DISK_FULL: 'QuotaExceededError',
  INVALID_KEY: 'DataError',
  KEY_EXISTS: 'ConstraintError',
  KEY_IMMUTABLE: 'DataError',
  MAP_FULL: 'QuotaExceededError',
  RESOURCE_LIMIT: 'QuotaExceededError',
  TX_INACTIVE: 'AbortError',
  TX_READ_ONLY: 'ReadOnlyError',
  TX_TOO_LARGE: 'QuotaExceededError',
  UNIQUE_VIOLATION: 'ConstraintError',
})

/**
 * An exception of a name that IndexedDB gives.
 *
 * @param {string} name
 * @param {string} message
 * @param {unknown} [cause]
 * @returns {DOMException}
 */
function exception(name, message, cause) {
  const made =
    name === 'QuotaExceededError'
      ? new QuotaExceededError(message)
      : new DOMException(message, name)
  if (cause !== undefined) {
    const property = { value: cause, writable: true, configurable: true, enumerable: false }
    Object.defineProperty(made, 'cause', property)
  }
  return made
}

/**
 * The exception that stands for an error of the database; what is none stays what it is, since it
 * comes from code of the user.
 *
 * @param {unknown} error
 */
function exceptionOf(error) {
  if (!(error instanceof LodestoreError)) return error
  return exception(NAMES[error.code] ?? 'UnknownError', error.message, error)
}

const inactive = () =>
  exception('TransactionInactiveError', 'The transaction is not active, or has finished')

module.exports = { QuotaExceededError, exception, exceptionOf, inactive }
