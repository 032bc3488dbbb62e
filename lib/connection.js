'use strict'

const { AsyncResource } = require('node:async_hooks')
const { Promise, queueMicrotask } = require('./globals')
const { Awake } = require('./awake')
const { call } = require('./call')
const { CatalogReader } = require('./catalog-reader')
const { DocumentDecoder, DocumentEncoder } = require('./codec')
const diagnostics = require('./diagnostics')
const { LodestoreError } = require('./errors')
const { decodeInternal, encodeInternal } = require('./internal-codec')
const keepAlive = require('./keep-alive')
const { MESSAGE, forEachMessage } = require('./messages')
const { guardNative, guardedClass } = require('./native-database')
const { errorOfReport, reportOf } = require('./native-errors')
const { NewestView } = require('./newest-view')
const { OP, writeValueOperation } = require('./operations')
const pace = require('./pace')
const { SharedMemory } = require('./shared-memory')
const { Tickets } = require('./tickets')
const { Turn } = require('./turn')
const { OperationQueue, WriteBatch } = require('./write-batch')

/** What the native library is told about a write. */
const HINT = Object.freeze({ NONE: 0, IS_FOLLOWED: 1, MAY_WAIT: 2 })

/** One open database: everything that knows the native library's calls. */
class Connection {
  /** @param {{ path: string, space?: string, mode: string, durability: string }} options */
  constructor({ path, space, mode, durability }) {
    this.path = path
    this.space = space
    this.mode = mode
    this.durability = durability
    /** Whether writes are not synced. */
    this.unsynced = durability === 'none'
    this.closed = false
    /** @type {Promise<void> | null} */
    this.closing = null
    /** The asynchronous context of events: that in which the database was opened. */
    this.scope = new AsyncResource('LODESTORE_EVENT')
    /** Called with the events of the native library. */
    this.onEvent = null
    /** @type {((error: LodestoreError) => void) | null} called with what is found to be damaged */
    this.onIntegrityError = null
    /** Makes the error that a caller is given. */
    this.errorOf = (reason) => this.noted(reason, errorOf(reason))
    /** The calls of the native library; see `guardNative`. */
    this.native = null
    this.turn = new Turn(() => this.endTurn())
    this.memory = new SharedMemory(this.turn, this.errorOf)
    this.catalogs = new CatalogReader(this)
    this.encoder = new DocumentEncoder()
    this.decoder = new DocumentDecoder()
    this.tickets = new Tickets(this)
    /** Messages that wait for the event loop to turn. */
    this.postponed = []
    this.newest = new NewestView(this)
  }

  /** What keeps the event loop awake; made for the first write, as the queue is. */
  get awake() {
    const value = new Awake(this)
    Object.defineProperty(this, 'awake', { value })
    return value
  }

  /** Where writes wait to be sent together. */
  get queue() {
    const value = new OperationQueue((batch, isLast) => this.send(batch, isLast), this.errorOf)
    Object.defineProperty(this, 'queue', { value })
    return value
  }

  /**
   * Opens a database.
   *
   * @param {object} binding the native library
   * @param {object} nativeOptions
   * @returns {Promise<Connection>}
   */
  static async open(binding, nativeOptions) {
    /** @type {WeakRef<Connection> | undefined} */
    let reference
    const receive = (message) => reference.deref()?.receive(message)
    try {
      // The task of the native library keeps the process alive by itself.
      const opening = binding.openDatabase(nativeOptions, receive)
      // Made while another thread opens the files.
      const connection = new Connection(nativeOptions)
      guardedClass(binding.NativeDatabase.prototype)
      reference = new WeakRef(connection)
      await connection.begin(await opening)
      return connection
    } catch (error) {
      throw errorOf(error)
    }
  }

  /** Takes the database that was opened; closes it if that is not possible. */
  async begin(native) {
    this.native = guardNative(native, this.turn, this.errorOf)
    try {
      this.memory.begin(this.native)
      this.newest.compareCatalog()
    } catch (error) {
      // What cannot be closed either is said by what failed first.
      await this.close().catch(() => {})
      throw error
    }
  }

  /** @throws {LodestoreError} CLOSED */
  checkOpen() {
    if (!this.closed) return
    throw new LodestoreError('CLOSED', `The database '${this.path}' is closed`, { path: this.path })
  }

  endTurn() {
    if (this.closed) return
    this.native.endTurn()
    this.memory.shrink()
  }

  /* Reading */

  /**
   * Answers a read request off the JavaScript thread.
   *
   * @param {number} snapshot
   * @param {Uint8Array} request
   * @returns {Promise<Buffer>} the answer
   */
  async readAsync(snapshot, request) {
    const begun = diagnostics.timed() ? performance.now() : 0
    keepAlive.retain()
    try {
      return await this.native.readAsync(snapshot, request)
    } catch (error) {
      throw this.errorOf(error)
    } finally {
      keepAlive.release()
      if (begun !== 0) diagnostics.reportSlow(this, 'read', performance.now() - begun)
    }
  }

  /** Pins the newest state. @returns {number} the snapshot's id, for `unpin` */
  pin() {
    this.checkOpen()
    return this.native.snapshot()
  }

  /** Lets go of a pinned snapshot. */
  unpin(snapshot) {
    if (!this.closed) this.native.closeSnapshot(snapshot)
  }

  /* Writing */

  /**
   * Sends a batch of operations. One that need not be synced may be waited for, if no code of the
   * user waits for this call.
   */
  send(batch, isLast = false) {
    this.checkOpen()
    if (diagnostics.timed()) this.watch(batch)
    const ticket = this.tickets.open(batch)
    const mayWait = isLast && this.durability !== 'strict' && !pace.isDue()
    const hint = batch.isFollowed ? HINT.IS_FOLLOWED : mayWait ? HINT.MAY_WAIT : HINT.NONE
    const { buffer, position } = batch.writer
    let messages
    try {
      messages = this.native.write(ticket, buffer, position, 0, hint)
    } catch (error) {
      this.tickets.close(ticket)
      throw error
    }
    if (messages !== null) this.receive(messages)
    else if (isLast) this.awake.wait(ticket)
  }

  /** Publishes how long a batch takes. */
  watch(batch) {
    const begun = performance.now()
    void batch.settled.then(() => {
      if (batch.failure !== null) return
      const milliseconds = performance.now() - begun
      diagnostics.reportCommit(this, 'write', batch.count, batch.bytes, milliseconds)
    })
  }

  /** Registers shapes. @returns {Promise<[number, ...string[]][]>} those that are registered now */
  async registerShapes(storeId, candidates) {
    const bytes = encodeInternal(candidates)
    const { queue } = this
    const batch = queue.open()
    writeValueOperation(batch.writer, OP.REGISTER_SHAPES, bytes, storeId)
    queue.append(batch)
    const at = queue.lastAt
    await batch.settled
    const result = batch.result(at)
    return result === undefined ? [] : JSON.parse(result.latin1Slice())
  }

  /** Waits until the writes that were accepted so far are done, well or not. */
  async settleWrites() {
    this.queue.flushAll()
    const accepted = [...this.tickets.waiting.values()].filter((it) => it instanceof WriteBatch)
    await Promise.all(accepted.map(({ settled }) => settled))
  }

  /**
   * Begins an operation that is answered by ticket, and waits for it; see `call`.
   *
   * @param {(ticket: number) => void} begin
   * @param {{ onProgress?: (progress: object) => void, signal?: AbortSignal }} [options]
   * @returns {Promise<Buffer>} the payload
   */
  call(begin, options) {
    return call(this, begin, options)
  }

  /* What the native library says */

  /**
   * Takes messages, in order. Node.js delivers them without end in one turn of the event loop if
   * the code that they wake asks for more at once; then the next ones wait for the next turn.
   */
  receive(message) {
    const { postponed } = this
    if (postponed.length === 0 && !pace.isDue()) this.deliver(message)
    else if (postponed.push(message) === 1) pace.onNextTurn(() => this.deliverPostponed())
  }

  /** Takes what a call of the native library has waited for, if it has. */
  take(messages) {
    if (messages !== null) this.receive(messages)
  }

  deliverPostponed() {
    const messages = this.postponed
    this.postponed = []
    for (const message of messages) this.deliver(message)
  }

  /** Takes completions, progress and events. */
  deliver(message) {
    forEachMessage(message, (ticket, kind, payload) => {
      if (kind === MESSAGE.OK) this.tickets.close(ticket)?.complete(payload)
      else if (kind === MESSAGE.ERROR) this.tickets.close(ticket)?.fail(payload)
      else if (kind === MESSAGE.PROGRESS) this.tickets.get(ticket)?.progress?.(payload)
      // The code of listeners is not a part of what happens to wait for a message meanwhile.
      else if (kind === MESSAGE.EVENT) this.scope.runInAsyncScope(this.event, this, payload)
    })
  }

  event(payload) {
    const event = decodeInternal(payload)
    // Listeners may throw; the completions behind this message must still be delivered.
    queueMicrotask(() => this.onEvent?.(event))
  }

  /** Tells of an error that is made of a reason for the first time, if it is about damage. */
  noted(reason, error) {
    if (error.code === 'CORRUPT' && !(reason instanceof LodestoreError)) this.reportDamage(error)
    return error
  }

  /** Tells the program of damage. */
  reportDamage(error) {
    const { onIntegrityError } = this
    // It may throw, or read on: not in the middle of a read.
    if (onIntegrityError !== null) queueMicrotask(() => onIntegrityError(error))
  }

  /** Closes the database once what was accepted is written. Idempotent. */
  close() {
    this.closing ??= this.closeOnce()
    return this.closing
  }

  async closeOnce() {
    this.queue.flushAll()
    const closed = this.call((ticket) => this.native.close(ticket))
    this.closed = true
    this.turn.compared = false
    try {
      await closed
    } finally {
      this.scope.emitDestroy()
    }
  }
}

/**
 * The error that a caller is given.
 *
 * @param {unknown} reason an encoded report, what a native call threw, or an error of ours
 * @returns {Error} made here, so that its stack is the caller's
 */
function errorOf(reason) {
  const report = reason instanceof Uint8Array ? decodeInternal(reason) : reportOf(reason)
  return report === undefined ? reason : errorOfReport(report)
}

module.exports = { Connection }
