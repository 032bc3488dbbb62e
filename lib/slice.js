'use strict'

const { WriteBuffer } = require('./codec')
const { OP, beginOperation } = require('./operations')
const { WriteBatch } = require('./write-batch')

/** What one slice holds at most, roughly. */
const SLICE = { operations: 1000, bytes: 1 << 20 }
/** What is written atomically at once; more takes a transaction, in which others wait longer. */
const ATOMIC_SLICE = { operations: 10_000, bytes: 4 << 20 }

/** Bytes that the buffer of a slice begins with. */
const FIRST_BYTES = 64 << 10
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 1 << 20

/** Where an atomic group says how many operations it has. */
const GROUP_COUNT_AT = 4

/** The buffer of a slice that was sent; the native library has copied it. */
let spare = null

function takeBuffer() {
  const writer = spare ?? new WriteBuffer(FIRST_BYTES)
  spare = null
  writer.position = 0
  return writer
}

/**
 * A batch of its own for many operations of one caller. It takes the place of an operation queue
 * while they are appended, so that nothing of other callers comes between them.
 */
class Slice {
  /**
   * @param {import('./write-batch').OperationQueue} queue where it is sent in the end
   * @param {boolean} atomic whether all of it is done or nothing
   * @param {{ operations: number, bytes: number }} size what it holds at most, roughly
   */
  constructor(queue, atomic, size) {
    const writer = takeBuffer()
    this.queue = queue
    this.atomic = atomic
    this.size = size
    this.batch = new WriteBatch(queue, writer)
    this.lastBatch = this.batch
    this.lastAt = -1
    /** How many operations were appended. */
    this.length = 0
    if (atomic) beginOperation(writer, OP.ATOMIC_GROUP, 0, 0)
  }

  open() {
    return this.batch
  }

  append() {
    this.lastAt = this.length++
  }

  get isFull() {
    const { operations, bytes } = this.size
    return this.length >= operations || this.batch.writer.position >= bytes
  }

  /** Sends it behind what was written before. */
  send() {
    const { queue, batch } = this
    const { writer } = batch
    if (this.atomic) writer.view.setUint32(GROUP_COUNT_AT, this.length, true)
    batch.count = this.atomic ? 1 : this.length
    queue.flushAll()
    queue.dispatch(batch)
    if (writer.buffer.length <= KEPT_BYTES) spare = writer
  }
}

module.exports = { ATOMIC_SLICE, SLICE, Slice }
