'use strict'

const { WriteBuffer } = require('./codec')
const { copyKey } = require('./key')
const { writeKey } = require('./operations')

const REQUEST_BYTES = 8 << 10
const OUT_BYTES = 128 << 10
/** Memory for answers that has grown beyond this is given back at the end of the turn. */
const KEPT_OUT_BYTES = 1 << 20

const NOT_FOUND = -1

/**
 * Memory that this thread and the native library share: keys and requests go in, answers come out,
 * which stand there until the next call.
 */
class SharedMemory {
  /**
   * @param {import('./turn').Turn} turn
   * @param {(reason: unknown) => Error} errorOf
   */
  constructor(turn, errorOf) {
    /** The guarded calls of the native library. */
    this.native = null
    /** Those whose own cost counts. */
    this.fast = null
    this.turn = turn
    this.errorOf = errorOf
    this.request = new WriteBuffer(REQUEST_BYTES)
    this.out = Buffer.allocUnsafeSlow(OUT_BYTES)
    this.sharedRequest = null
  }

  /** Shares the memory with a database that was opened. */
  begin(native) {
    this.native = native
    this.fast = native.fastCalls()
    this.share(OUT_BYTES)
  }

  /** Gives the native library the memory, with as many bytes for answers. */
  share(outBytes) {
    if (this.out.length !== outBytes) this.out = Buffer.allocUnsafeSlow(outBytes)
    this.sharedRequest = this.request.buffer
    this.native.setBuffers(this.sharedRequest, this.out)
  }

  /** Gives back what long answers needed. */
  shrink() {
    if (this.out.length > KEPT_OUT_BYTES) this.share(OUT_BYTES)
  }

  /** The id of the last transaction that any thread or process has committed. */
  lastTransactionId() {
    try {
      return this.fast.lastTransactionId()
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /**
   * The id of the transaction whose state a pinned snapshot shows; for 0, of the state that was
   * read last in this turn. Right after a commit it may still be older than `lastTransactionId()`.
   */
  transactionIdOf(snapshot) {
    try {
      return this.fast.transactionIdOf(snapshot)
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /**
   * The document under a key, or undefined. To be called in a turn that holds its state.
   *
   * @param {number} snapshot 0 is the state of the turn
   * @param {import('./store-state').StoreState} state
   * @param {unknown} key
   * @throws {LodestoreError} INVALID_KEY, and what the read throws
   */
  get(snapshot, state, key) {
    const { request } = this
    // Accessors of an array may call back and use the memory that the key goes to.
    const inert = Array.isArray(key) ? copyKey(key) : key
    request.position = 0
    writeKey(request, inert)
    if (request.buffer !== this.sharedRequest) this.share(this.out.length)
    const keyLength = request.position
    let length
    try {
      length = this.fast.get(snapshot, state.id, keyLength)
      while (length < NOT_FOUND) {
        this.share(this.native.neededLength())
        length = this.fast.get(snapshot, state.id, keyLength)
      }
    } catch (error) {
      throw this.errorOf(error)
    }
    if (length === NOT_FOUND) return undefined
    return state.decodeUnder(key, this.out, length)
  }

  /**
   * Answers the read request in `request`.
   *
   * @param {number} snapshot 0 is the state of the turn
   * @returns {number} the answer's length in `out`
   */
  read(snapshot) {
    let length = this.readIfShort(snapshot)
    while (length < 0) {
      this.share(this.native.neededLength())
      length = this.readIfShort(snapshot)
    }
    return length
  }

  /** Like `read`, but gives a negative number if the answer is longer than `out`. */
  readIfShort(snapshot) {
    const { request } = this
    if (request.buffer !== this.sharedRequest) this.share(this.out.length)
    if (snapshot === 0) this.turn.hold()
    try {
      return this.fast.read(snapshot, request.position)
    } catch (error) {
      throw this.errorOf(error)
    }
  }
}

module.exports = { SharedMemory }
