'use strict'

const { abortSignal, boolean, callback, checkOptions } = require('./check')

const BACKUP_OPTIONS = { spaces: boolean, onProgress: callback, signal: abortSignal }
const COMPACT_OPTIONS = { onProgress: callback, signal: abortSignal }

/** Checks the options of `backup`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkBackup(options) {
  return checkOptions('backup', options, BACKUP_OPTIONS)
}

/** Checks the options of `compact`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkCompact(options) {
  return checkOptions('compact', options, COMPACT_OPTIONS)
}

module.exports = { checkBackup, checkCompact }
