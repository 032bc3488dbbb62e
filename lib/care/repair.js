'use strict'

const { resolve } = require('node:path')
const { checkPath, checkRepair } = require('../options/care')
const { checkEncryption, withKey } = require('../options/encryption')
const { MAX_FINDINGS, repairReport } = require('./report')
const { work } = require('./work')

/** Makes a new database of what can be read of a damaged one. */
async function repair(from, to, options) {
  const [source, target] = [checkPath('repair', from, 'from'), checkPath('repair', to, 'to')]
  const {
    spaces = true,
    maxFindings = MAX_FINDINGS,
    encryption,
    onProgress,
    signal,
  } = checkRepair(options)
  const secret =
    encryption === undefined
      ? undefined
      : await withKey('repair', checkEncryption('repair', encryption))
  const begun = performance.now()
  const payload = await work(
    (native) => native.repair(resolve(source), resolve(target), spaces, maxFindings, secret),
    { onProgress, signal },
  )
  return repairReport(payload, begun)
}

module.exports = { repair }
