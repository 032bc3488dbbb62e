'use strict'

const { READ, SCAN, writeRangeRequest } = require('./read-request')

/** Flags that ask for one part of a row each. */
const PARTS = [SCAN.KEYS, SCAN.PRIMARY_KEYS, SCAN.VALUES]

/** What a scan reads: where, in which order, how much, and which parts of each row. */
class ScanPlan {
  /**
   * @param {object} plan
   * @param {import('./store-state').StoreState} plan.state
   * @param {number} plan.indexId 0 for the store itself
   * @param {number} plan.flags of SCAN
   * @param {import('./range').Range} plan.range
   * @param {number} [plan.limit] rows at most; 0, the default, for all
   * @param {number} [plan.offset] rows to skip; default 0
   */
  constructor({ state, indexId, flags, range, limit = 0, offset = 0 }) {
    this.state = state
    this.indexId = indexId
    this.flags = flags
    this.range = range
    this.limit = limit
    this.offset = offset
    /** How many parts a row has. */
    this.parts = PARTS.filter((part) => (flags & part) !== 0).length
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
