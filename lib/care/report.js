'use strict'

const { decodeInternal } = require('../internal-codec')
const { keyOf } = require('../native-errors')

/** How many findings a report lists if nothing else is asked for. */
const MAX_FINDINGS = 100

/** A problem as the native library reports it, with its key decoded. */
function findingOf({ key, ...rest }) {
  return key === undefined ? rest : { ...rest, key: keyOf(key) }
}

/**
 * The report of a verification.
 *
 * @param {Buffer} payload as the native library answers
 * @param {'quick' | 'full'} level
 * @param {number} begun when it began
 */
function verifyReport(payload, level, begun) {
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

/** The report of a repair. */
function repairReport(payload, begun) {
  const { pages, stores, indexes, problems, problemCount } = decodeInternal(payload)
  return {
    ok: problemCount === 0,
    pages,
    stores: stores.map(({ lostKeys, ...store }) => ({ ...store, lostKeys: lostKeys.map(keyOf) })),
    indexes,
    findingCount: problemCount,
    findings: problems.map(findingOf),
    milliseconds: Math.round(performance.now() - begun),
  }
}

module.exports = { MAX_FINDINGS, repairReport, verifyReport }
