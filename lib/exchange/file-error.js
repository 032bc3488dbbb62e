'use strict'

const { LodestoreError } = require('../errors')

const CODES = {
  EACCES: 'PERMISSION',
  EDQUOT: 'DISK_FULL',
  ENOENT: 'NOT_FOUND',
  ENOSPC: 'DISK_FULL',
  EPERM: 'PERMISSION',
  EROFS: 'PERMISSION',
}

/** The error of an operation on a file; what is no error of the system stays what it is. */
function fileError(error, message) {
  if (error?.syscall === undefined) return error
  const code = CODES[error.code] ?? 'IO'
  return new LodestoreError(code, `${message}: ${error.message}`, { cause: error })
}

module.exports = { fileError }
