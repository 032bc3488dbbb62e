'use strict'

const { indexBuild, readerLag } = require('./diagnostics')
const { errorOfReport } = require('./native-errors')

/**
 * Takes an event that the native library tells of a connection.
 *
 * @param {import('./connection').Connection} connection
 * @param {object} event
 * @param {(type: 'error' | 'warning', error: import('./errors').LodestoreError) => void} report
 *   called with what somebody has to know: after an error, the connection can only be closed
 */
function receiveEvent(connection, event, report) {
  const { type, ...rest } = event
  const { path, space } = connection
  if (type === 'readerLag') {
    if (readerLag.hasSubscribers) readerLag.publish({ path, space, ...rest })
    return
  }
  if (type === 'indexBuild') {
    if (indexBuild.hasSubscribers) {
      indexBuild.publish({ path, space, ...connection.newest.namesOf(rest), phase: 'end' })
    }
    // A build that `close` interrupts goes on at the next open.
    if (rest.code === null || rest.code === 'CLOSED') return
  }
  const error = errorOfReport(event)
  if (type === 'indexBuild' && error.code === 'CORRUPT') connection.reportDamage(error)
  report(type === 'error' ? 'error' : 'warning', error)
}

/** Prints what nobody listens to. */
function printReport({ message, code }) {
  process.emitWarning(message, { type: 'LodestoreWarning', code })
}

module.exports = { printReport, receiveEvent }
