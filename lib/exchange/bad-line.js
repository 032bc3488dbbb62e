'use strict'

const { LodestoreError } = require('../errors')

/** The error of a line that cannot be imported. */
function badLine(line, what, cause) {
  const message = line === undefined ? what : `line ${line}: ${what}`
  return new LodestoreError('INVALID_ARGUMENT', message, { cause, path: 'source' })
}

module.exports = { badLine }
