'use strict'

const { LodestoreError } = require('./errors')
const { decodeKey } = require('./key')

/**
 * What an error says, as the native library reports it.
 *
 * @typedef {object} Report
 * @property {string} code
 * @property {string} message
 * @property {string | null} [store]
 * @property {string | null} [index]
 * @property {Uint8Array | null} [key] encoded
 * @property {string | null} [path]
 * @property {unknown} [cause]
 * @property {number | null} [at] the failed operation's place in its group
 */

/**
 * Reads what a native call threw: an error whose message is a report in JSON.
 *
 * @param {unknown} error
 * @returns {Report | undefined} undefined for errors that are not reports
 */
function reportOf(error) {
  if (error instanceof LodestoreError) return reportOfError(error)
  if (!(error instanceof Error) || !error.message.startsWith('{')) return undefined
  let report
  try {
    report = JSON.parse(error.message)
  } catch {
    return undefined
  }
  if (typeof report.key === 'string') report.key = Buffer.from(report.key, 'hex')
  return report
}

/** One failure may belong to many callers; each is given an error of its own. */
function reportOfError({ code, message, store, index, key, path, cause, at }) {
  return { code, message, store, index, decodedKey: key, path, cause, at }
}

/**
 * Makes the public error of a report. It is made where the caller waits, so that its stack names
 * the caller.
 *
 * @param {Report} report
 * @returns {LodestoreError}
 */
function errorOfReport(report) {
  const details = {}
  if (report.store != null) details.store = report.store
  if (report.index != null) details.index = report.index
  if (report.key != null) details.key = keyOf(report.key)
  else if (report.decodedKey !== undefined) details.key = report.decodedKey
  if (report.path != null) details.path = report.path
  if (report.cause != null) details.cause = causeOf(report.cause)
  const error = new LodestoreError(report.code, report.message, details)
  if (report.at != null) error.at = report.at
  return error
}

function causeOf(cause) {
  return typeof cause === 'string' ? new Error(cause) : cause
}

function keyOf(bytes) {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return decodeKey(key)
  } catch {
    // A report about damaged data may name a key that cannot be read.
    return key
  }
}

module.exports = { errorOfReport, keyOf, reportOf }
