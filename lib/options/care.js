'use strict'

const { abortSignal, boolean, callback, checkOptions, integer, oneOf } = require('./check')

const BACKUP_OPTIONS = { spaces: boolean, onProgress: callback, signal: abortSignal }
const COMPACT_OPTIONS = { onProgress: callback, signal: abortSignal }

const VERIFY_OPTIONS = {
  level: oneOf('quick', 'full'),
  spaces: boolean,
  maxFindings: integer(0, 1_000_000),
  onProgress: callback,
  signal: abortSignal,
}

/** Checks the options of `backup`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkBackup(options) {
  return checkOptions('backup', options, BACKUP_OPTIONS)
}

/** Checks the options of `compact`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkCompact(options) {
  return checkOptions('compact', options, COMPACT_OPTIONS)
}

/** Checks the options of `verify`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkVerify(options) {
  return checkOptions('verify', options, VERIFY_OPTIONS)
}

module.exports = { checkBackup, checkCompact, checkVerify }
