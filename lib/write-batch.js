'use strict'

const { Promise, queueMicrotask } = require('./globals')
const { WriteBuffer } = require('./codec')
const { FailedOperation, parseResults } = require('./operations')

/**
 * Bytes from which on a batch does not wait for the end of the turn's microtasks: the writer thread
 * begins while this one goes on encoding.
 */
const FLUSH_BYTES = 512 << 10
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 4 << 20

/**
 * Operations that travel to the native library together and are answered together.
 *
 * All callers await `settled`, which never rejects; each then takes its own result. So one promise
 * serves a whole batch, and an error is made in the frame of the caller that it belongs to.
 */
class WriteBatch {
  /** @param {OperationQueue} queue @param {WriteBuffer} writer */
  constructor(queue, writer) {
    this.queue = queue
    this.writer = writer
    /** How many operations it has; the next one's number. */
    this.count = 0
    this.bytes = 0
    this.sent = false
    /** Whether the code that runs now will fill another one. */
    this.isFollowed = false
    this.results = null
    /** Why all of it failed: a report of the native library, or what it threw. */
    this.failure = null
    this.settled = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  /** The batch was answered. */
  complete(payload) {
    if (payload.length > 0) this.results = parseResults(payload, this.count)
    this.settle()
  }

  /** Nothing of the batch was done, or all of it failed for one reason. */
  fail(reason) {
    this.failure = reason
    this.settle()
  }

  /**
   * The result of an operation, once `settled`.
   *
   * @param {number} at its number
   * @returns {Buffer | number | undefined} the bytes of a key or payload, or a number
   * @throws {LodestoreError} the operation's failure
   */
  result(at) {
    if (this.failure !== null) throw this.queue.errorOf(this.failure)
    if (this.results === null) return undefined
    const result = this.results[at]
    if (result instanceof FailedOperation) throw this.queue.errorOf(result.report)
    return result
  }
}

/** Collects operations until the microtask queue has run, then sends them in one call. */
class OperationQueue {
  /**
   * @param {(batch: WriteBatch, isLast: boolean) => void} send takes the packed bytes, or throws;
   *   from then on the batch is completed by its ticket. The last one is sent when the turn's
   *   microtasks have run, with no code of the user waiting for the call to return
   * @param {(reason: unknown) => Error} errorOf makes an error of a failure
   */
  constructor(send, errorOf) {
    this.send = send
    this.errorOf = errorOf
    /** @type {WriteBatch | null} */
    this.current = null
    /** @type {WriteBuffer | null} a buffer that no batch uses */
    this.spare = null
    /** The batch of the operation that was appended last, and its number there. */
    this.lastBatch = null
    this.lastAt = 0
    /** @type {(() => boolean) | null} whether the owner will send what was collected, later */
    this.isHeld = null
  }

  /** Counts the operation that was just written to a batch. */
  append(batch) {
    this.lastBatch = batch
    this.lastAt = batch.count++
    if (batch.writer.position < FLUSH_BYTES) return
    batch.isFollowed = true
    this.flush(batch)
  }

  /**
   * The batch that takes the next operation. While a document is being encoded into the current
   * one (an accessor of it may write, too) another one is begun.
   *
   * @returns {WriteBatch}
   */
  open() {
    const { current } = this
    return current !== null && !current.writer.busy ? current : this.begin()
  }

  begin() {
    const writer = this.spare ?? new WriteBuffer()
    this.spare = null
    const batch = new WriteBatch(this, writer)
    this.current = batch
    queueMicrotask(() => {
      if (this.isHeld === null || !this.isHeld()) this.flush(batch, true)
    })
    return batch
  }

  /** Sends what was collected so far, in order. */
  flushAll() {
    if (this.current !== null) this.flush(this.current)
  }

  /** As the end of the turn's microtasks does it. */
  flushLast() {
    if (this.current !== null) this.flush(this.current, true)
  }

  /** Sends a batch, unless it was sent before or a document is being encoded into it. */
  flush(batch, isLast = false) {
    if (batch.sent || batch.writer.busy) return
    if (this.current === batch) this.current = null
    const { writer } = batch
    if (batch.count === 0) batch.settle()
    else this.dispatch(batch, isLast)
    this.recycle(writer)
  }

  /** Hands a batch over; its memory may be used again afterwards. */
  dispatch(batch, isLast = false) {
    batch.sent = true
    batch.bytes = batch.writer.position
    try {
      this.send(batch, isLast)
    } catch (error) {
      batch.fail(error)
    }
    batch.writer = null
  }

  recycle(writer) {
    if (writer.buffer.length > KEPT_BYTES) return
    writer.position = 0
    this.spare = writer
  }
}

module.exports = { WriteBatch, OperationQueue }
