'use strict'

/** Codes of failures after which the same call may succeed when it is made again. */
const RETRYABLE = new Set([
  'INDEX_NOT_READY',
  'TX_TIMEOUT',
  'TX_CONFLICT',
  'SNAPSHOT_EXPIRED',
  'BUSY',
  'READERS_FULL',
  'MAP_FULL',
  'DISK_FULL',
])

/** Every failure of Lodestore. `code` is stable; see docs/errors.md. */
class LodestoreError extends Error {
  constructor(code, message, details) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = RETRYABLE.has(code)
    if (details?.store !== undefined) this.store = details.store
    if (details?.index !== undefined) this.index = details.index
    if (details?.key !== undefined) this.key = details.key
    if (details?.path !== undefined) this.path = details.path
  }

  get name() {
    return 'LodestoreError'
  }
}

module.exports = { LodestoreError, RETRYABLE }
