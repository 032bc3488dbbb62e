'use strict'

/** Own fields of errors that are not enumerable, in the order in which they are written. */
const HIDDEN_ERROR_FIELDS = Object.freeze(['message', 'stack', 'cause', 'errors'])

/**
 * An error without fields.
 *
 * @param {string} type the name of a standard one
 */
function emptyError(type) {
  if (type !== 'AggregateError') return withoutStack(() => new globalThis[type]())
  const error = withoutStack(() => new AggregateError([]))
  delete error.errors
  return error
}

/** A DOMException without a stack. */
function emptyDomException(message, name) {
  return withoutStack(() => new DOMException(message, name))
}

/** Makes an error without the stack of the place that reads it. */
function withoutStack(make) {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    const error = make()
    delete error.stack
    return error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

module.exports = { HIDDEN_ERROR_FIELDS, emptyDomException, emptyError }
