'use strict'

const { resolve } = require('node:path')
const { checkPath, checkRestore } = require('../options/care')
const { verifyReport } = require('./report')
const { work } = require('./work')

/** Puts a verified copy of a database in the place of another one, or where there is none. */
async function restore(from, to, options) {
  const [source, target] = [checkPath('restore', from, 'from'), checkPath('restore', to, 'to')]
  const { onProgress, signal } = checkRestore(options)
  const begun = performance.now()
  const payload = await work((native) => native.restore(resolve(source), resolve(target)), {
    onProgress,
    signal,
  })
  return verifyReport(payload, 'full', begun)
}

module.exports = { restore }
