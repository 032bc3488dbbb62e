'use strict'

const { resolve } = require('node:path')
const { checkPath, checkReplace } = require('../options/care')
const { checkEncryption, withKey } = require('../options/encryption')
const { verifyReport } = require('./report')
const { work } = require('./work')

/** Puts a verified copy of a database in the place of another one, or where there is none. */
async function restore(from, to, options) {
  const [source, target] = [checkPath('restore', from, 'from'), checkPath('restore', to, 'to')]
  const { encryption, onProgress, signal } = checkReplace('restore', options)
  const secret =
    encryption === undefined
      ? undefined
      : await withKey('restore', checkEncryption('restore', encryption))
  const begun = performance.now()
  const payload = await work((native) => native.restore(resolve(source), resolve(target), secret), {
    onProgress,
    signal,
  })
  return verifyReport(payload, 'full', begun)
}

module.exports = { restore }
