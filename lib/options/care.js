'use strict'

const {
  abortSignal,
  anything,
  boolean,
  callback,
  checkArgument,
  checkOptions,
  integer,
  invalidArgument,
  nonEmptyString,
  oneOf,
} = require('./check')

const LONG_WORK = { onProgress: callback, signal: abortSignal }
const FINDINGS = { spaces: boolean, maxFindings: integer(0, 1_000_000), ...LONG_WORK }
const BACKUP_OPTIONS = { spaces: boolean, compact: boolean, encryption: anything, ...LONG_WORK }
const VERIFY_OPTIONS = { level: oneOf('quick', 'full'), ...FINDINGS }

/** Checks the options of `backup`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkBackup(options) {
  return checkOptions('backup', options, BACKUP_OPTIONS)
}

/** Checks the options of `compact` and `rotateKey`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkLongWork(method, options) {
  return checkOptions(method, options, LONG_WORK)
}

/** Checks the options of `verify`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkVerify(options) {
  return checkOptions('verify', options, VERIFY_OPTIONS)
}

/**
 * Checks the options of `restore`, `encrypt` and `decrypt`.
 *
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkReplace(method, options) {
  return checkOptions(method, options, { encryption: anything, ...LONG_WORK })
}

/** Checks the options of `repair`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkRepair(options) {
  return checkOptions('repair', options, { ...FINDINGS, encryption: anything })
}

/**
 * Checks the path of a database that is on disk.
 *
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkPath(method, path, name) {
  checkArgument(method, path, nonEmptyString, name)
  if (path !== ':memory:') return path
  throw invalidArgument(`${method}: ${name} must be a directory: there is nothing on disk`, name)
}

module.exports = {
  checkBackup,
  checkLongWork,
  checkPath,
  checkRepair,
  checkReplace,
  checkVerify,
}
