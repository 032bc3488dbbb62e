'use strict'

const { decodeKeyAt, decodeIndexKey } = require('./key')
const { SCAN } = require('./read-request')

/** Bytes before the rows: their number, and whether they are the last. */
const HEADER_BYTES = 5

/**
 * The answer to a scan: rows that are decoded one after the other.
 *
 * It reads from the buffer it was given; `detach` makes a copy for rows that are read later.
 */
class RowChunk {
  /**
   * @param {Buffer} buffer
   * @param {number} length of the answer, from the buffer's start
   * @param {import('./scan-plan').ScanPlan} plan
   */
  constructor(buffer, length, plan) {
    this.buffer = buffer
    this.length = length
    this.plan = plan
    this.rows = buffer.readUInt32LE(0)
    /** Rows that are not read yet. */
    this.left = this.rows
    /** Whether no row follows the last one. */
    this.done = buffer[4] === 1
    this.at = HEADER_BYTES
    /** Which of several vectors the row is near to that was read last. */
    this.target = 0
    // The same buffer may have held another answer before.
    plan.state.decoder.beginSequence(buffer)
  }

  detach() {
    if (this.left > 0) this.plan.state.keepShapes()
    this.buffer = Buffer.from(this.buffer.subarray(0, this.length))
    return this
  }

  /** The bounds of the next part of the current row; `at` then stands behind it. */
  skipPart() {
    const start = this.at + 4
    this.at = start + this.buffer.readUInt32LE(this.at)
    return start
  }

  /** Goes to the next row, of one part: where that begins; `at` then stands behind it. */
  skipRow() {
    this.left--
    return this.skipPart()
  }

  /** The next document. The plan asks for values only. */
  nextValue() {
    this.left--
    const start = this.skipPart()
    return this.plan.state.decodeNext(this.buffer, start, this.at, this.length)
  }

  /** The next primary key. The plan asks for nothing else. */
  nextKey() {
    this.left--
    const start = this.skipPart()
    return decodeKeyAt(this.buffer, start, this.at)
  }

  /**
   * The next row as an entry.
   *
   * @returns {{ key: unknown, primaryKey: unknown, value: unknown }}
   */
  nextEntry() {
    this.left--
    const { flags, state } = this.plan
    let start = this.skipPart()
    const key = decodeIndexKey(this.buffer, start, this.at)
    let primaryKey = key
    if ((flags & SCAN.PRIMARY_KEYS) !== 0) {
      start = this.skipPart()
      primaryKey = decodeKeyAt(this.buffer, start, this.at)
    }
    let value
    if ((flags & SCAN.VALUES) !== 0) {
      start = this.skipPart()
      value = state.decodeNext(this.buffer, start, this.at, this.length)
    }
    return { key, primaryKey, value }
  }

  /** The next row as an entry that a search found: an entry with its distance and score. */
  nextFound() {
    const { key, distance, score, doc } = this.nextNear()
    return { key, primaryKey: key, value: doc, distance, score }
  }

  /**
   * The next row as a document that is near to a vector.
   *
   * @returns {{ key: unknown, distance: number, score: number, doc: unknown }}
   */
  nextNear() {
    this.left--
    let start = this.skipPart()
    const key = decodeKeyAt(this.buffer, start, this.at)
    start = this.skipPart()
    const distance = this.buffer.readDoubleLE(start)
    const score = this.buffer.readDoubleLE(start + 8)
    this.target = this.buffer.readUInt32LE(start + 16)
    start = this.skipPart()
    const doc = this.plan.state.decodeNext(this.buffer, start, this.at, this.length)
    return { key, distance, score, doc }
  }

  /** Where to go on behind the last row; a copy. Looks ahead over the rows that are left. */
  resume() {
    let at = this.at
    for (let left = this.left * this.plan.parts; left > 0; left--) {
      at += 4 + this.buffer.readUInt32LE(at)
    }
    const start = at + 4
    return Buffer.from(this.buffer.subarray(start, start + this.buffer.readUInt32LE(at)))
  }
}

module.exports = { RowChunk }
