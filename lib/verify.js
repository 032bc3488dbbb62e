'use strict'

const { decodeInternal } = require('./internal-codec')
const { keyOf } = require('./native-errors')
const { checkVerify } = require('./options/care')

/** How many findings a report lists if nothing else is asked for. */
const MAX_FINDINGS = 100

/**
 * Verifies a database.
 *
 * @param {import('./connection').Connection} connection
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
  const { problems, problemCount, ...figures } = decodeInternal(payload)
  return {
    ok: problemCount === 0,
    level,
    ...figures,
    findingCount: problemCount,
    findings: problems.map(findingOf),
    milliseconds: Math.round(performance.now() - begun),
  }
}

/** A problem as the native library reports it, with its key decoded. */
function findingOf({ key, ...rest }) {
  return key === undefined ? rest : { ...rest, key: keyOf(key) }
}

module.exports = { verify }
