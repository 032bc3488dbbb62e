'use strict'

const { READ, SCAN, writeRangeRequest } = require('./read-request')

/** What a scan reads: where, in which order, how much, and which parts of each row. */
class ScanPlan {
  /**
   * @param {import('./store-state').StoreState} state
   * @param {number} indexId 0 for the store itself
   * @param {number} flags of SCAN
   * @param {import('./range').Range} range
   * @param {number} [limit] rows at most; 0, the default, for all
   * @param {number} [offset] rows to skip; default 0
   */
  constructor(state, indexId, flags, range, limit = 0, offset = 0) {
    this.state = state
    this.indexId = indexId
    this.flags = flags
    this.range = range
    this.limit = limit
    this.offset = offset
  }

  /** How many parts a row has. */
  get parts() {
    const { flags } = this
    let parts = 0
    if ((flags & SCAN.KEYS) !== 0) parts++
    if ((flags & SCAN.PRIMARY_KEYS) !== 0) parts++
    if ((flags & SCAN.VALUES) !== 0) parts++
    return parts
  }

  /**
   * Writes the request for the next rows.
   *
   * @param {import('./codec').WriteBuffer} writer
   * @param {number} rows at most
   * @param {number} bytes from which on the answer ends
   * @param {Buffer | null} resume where to go on, or null to begin
   * @param {number} [resumeFlags] BEGIN_AT, if `resume` is a point
   */
  write(writer, rows, bytes, resume, resumeFlags = 0) {
    writeRangeRequest(
      writer,
      READ.SCAN,
      this.flags | resumeFlags,
      this.state.id,
      this.indexId,
      rows,
      resume === null ? this.offset : 0,
      bytes,
      this.range,
      resume,
    )
  }
}

module.exports = { ScanPlan }
