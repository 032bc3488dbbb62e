'use strict'

const { collation: native } = require('../binding')
const { encodeInternal } = require('../internal-codec')
const { reportOf } = require('../native-errors')
const { invalidArgument } = require('./check')

/**
 * All settings of a collation, with those that follow from the locale.
 *
 * @param {string} method
 * @param {object} given
 * @param {string} path where it stands among the arguments
 * @returns {Required<import('../../index').Collation>}
 * @throws {LodestoreError} INVALID_ARGUMENT for what there is no such order for
 */
function resolveCollation(method, given, path) {
  const document = encodeInternal(given)
  try {
    return JSON.parse(native(document))
  } catch (error) {
    const report = reportOf(error)
    if (report === undefined) throw error
    const place = report.path ? `${path}.${report.path}` : path
    throw invalidArgument(`${method}: ${report.message}`, place)
  }
}

module.exports = { resolveCollation }
