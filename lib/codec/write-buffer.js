'use strict'

const { LodestoreError } = require('../errors')

/** Bytes that are always free behind `limit`: enough for any value of bounded size. */
const SLACK = 64

const MAX_BYTES = 2 ** 31 - 1

/** The upper half of NaN as it is stored; the lower one is 0. */
const CANONICAL_NAN = 0x7ff80000

/**
 * A growing buffer that documents and operations are packed into.
 *
 * `buffer` is replaced by a larger copy when it grows, so read it again after every call that may
 * write. Where `position <= limit`, at least 64 bytes are free.
 */
class WriteBuffer {
  /** @param {number} [size] bytes to begin with */
  constructor(size = 16384) {
    /** @type {Buffer} */
    this.buffer = Buffer.allocUnsafeSlow(Math.max(size, 2 * SLACK))
    this.view = new DataView(this.buffer.buffer)
    this.position = 0
    this.limit = this.buffer.length - SLACK
    /** Whether an encoder is in the middle of a document; nothing else may write then. */
    this.busy = false
  }

  /**
   * Makes room for `count` bytes at `position`, and the slack behind them.
   *
   * @param {number} count
   * @throws {LodestoreError} RESOURCE_LIMIT beyond 2 GiB
   */
  ensure(count) {
    if (this.position + count > this.limit) this.grow(count)
  }

  /** @param {number} count bytes needed at `position` */
  grow(count) {
    const needed = this.position + count + SLACK
    if (needed > MAX_BYTES) {
      throw new LodestoreError(
        'RESOURCE_LIMIT',
        'More than 2 GiB would be written at once; store smaller documents or fewer at a time',
      )
    }
    const larger = Buffer.allocUnsafeSlow(
      Math.min(MAX_BYTES, Math.max(needed, this.buffer.length * 2)),
    )
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
    this.view = new DataView(larger.buffer)
    this.limit = larger.length - SLACK
  }

  writeU8(value) {
    if (this.position > this.limit) this.grow(1)
    this.buffer[this.position++] = value
  }

  writeU32(value) {
    if (this.position > this.limit) this.grow(4)
    this.view.setUint32(this.position, value, true)
    this.position += 4
  }

  writeF64(value) {
    if (this.position > this.limit) this.grow(8)
    this.setF64(this.position, value)
    this.position += 8
  }

  /**
   * Puts a double somewhere. Of NaN's many forms the engine may choose any, differently in
   * interpreted and in compiled code; here it is always the same, as the format says.
   */
  setF64(at, value) {
    if (Number.isNaN(value)) {
      this.view.setUint32(at, 0, true)
      this.view.setUint32(at + 4, CANONICAL_NAN, true)
    } else {
      this.view.setFloat64(at, value, true)
    }
  }

  /** @param {Uint8Array} bytes */
  writeBytes(bytes) {
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }
}

module.exports = { WriteBuffer }
