'use strict'

const { checkVerify } = require('../options/care')
const { MAX_FINDINGS, verifyReport } = require('./report')

/**
 * Verifies a database.
 *
 * @param {import('../connection').Connection} connection
 * @param {object} [options] as the caller gave them
 * @returns {Promise<object>} a VerifyReport
 */
async function verify(connection, options) {
  const {
    level = 'full',
    spaces = true,
    maxFindings = MAX_FINDINGS,
    onProgress,
    signal,
  } = checkVerify(options)
  connection.checkOpen()
  await connection.settleWrites()
  const begun = performance.now()
  const payload = await connection.call(
    (ticket) =>
      connection.native.verify(ticket, { full: level === 'full', spaces, described: maxFindings }),
    { onProgress, signal },
  )
  return verifyReport(payload, level, begun)
}

module.exports = { verify }
