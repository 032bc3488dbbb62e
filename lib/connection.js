'use strict'

const ambient = require('./ambient')
const keepAlive = require('./keep-alive')
const { call } = require('./call')
const { Catalog } = require('./catalog')
const { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } = require('./codec')
const { LodestoreError } = require('./errors')
const { copyKey } = require('./key')
const diagnostics = require('./diagnostics')
const { MESSAGE, forEachMessage } = require('./messages')
const { reportOf, errorOfReport } = require('./native-errors')
const { OP, writeKey, writeValueOperation } = require('./operations')
const { StoreState } = require('./store-state')
const { Tickets } = require('./tickets')
const { OperationQueue } = require('./write-batch')

const KEY_BYTES = 8 << 10
const OUT_BYTES = 128 << 10
/** Memory for answers that has grown beyond this is given back at the end of the turn. */
const KEPT_OUT_BYTES = 1 << 20

const NOT_FOUND = -1

/** The shapes of documents that are not of any store: catalogs, error reports, events. */
const NO_SHAPES = new ShapeTable({ load() {} })

/**
 * One open database: everything that knows the native library's calls.
 *
 * It is also the view of the newest state that calls outside of transactions and snapshots use; see
 * `current`.
 */
class Connection {
  /** @param {{ path: string, space?: string, mode: string }} options */
  constructor({ path, space, mode }) {
    this.path = path
    this.space = space
    this.mode = mode
    this.native = null
    /** The native calls whose own cost counts. */
    this.fast = null
    this.closed = false
    /** @type {Promise<void> | null} */
    this.closing = null
    /** Called with the events of the native library. */
    this.onEvent = null

    /* As a view of the data. */
    this.connection = this
    /** 0 is the newest state. */
    this.snapshot = 0
    this.interactive = false
    /** Names of the only stores that may be used; null for all. */
    this.allowed = null
    /** @type {Catalog | null} */
    this.catalog = null

    /** Whether the catalog was compared, and a snapshot may be held, in this turn. */
    this.turn = false
    this.endTurn = () => {
      this.turn = false
      if (this.closed) return
      this.native.endTurn()
      if (this.out.length > KEPT_OUT_BYTES) this.shareBuffers(OUT_BYTES)
    }

    this.request = new WriteBuffer(KEY_BYTES)
    this.out = Buffer.alloc(0)
    this.sharedRequest = null
    this.encoder = new DocumentEncoder()
    this.decoder = new DocumentDecoder()
    /** For what is not a document of a user: reading one may need the shapes. */
    this.internalDecoder = new DocumentDecoder()
    /** @type {Map<number, StoreState>} */
    this.states = new Map()
    this.tickets = new Tickets(this)
    this.queue = new OperationQueue(
      (batch) => this.send(batch),
      (reason) => this.errorOf(reason),
    )
  }

  /**
   * Opens the database.
   *
   * @param {object} binding the native library
   * @param {object} nativeOptions
   */
  async open(binding, nativeOptions) {
    const reference = new WeakRef(this)
    const receive = (message) => reference.deref()?.receive(message)
    keepAlive.retain()
    try {
      this.native = await binding.openDatabase(nativeOptions, receive)
      this.fast = this.native.fastCalls()
    } catch (error) {
      throw this.errorOf(error)
    } finally {
      keepAlive.release()
    }
    this.shareBuffers(OUT_BYTES)
    this.refreshCatalog()
  }

  /**
   * The view that a call made now uses: the transaction or snapshot that the calling code runs in,
   * or the newest state.
   *
   * @throws {LodestoreError} CLOSED, TX_INACTIVE
   */
  current() {
    if (ambient.isCarried()) {
      const scope = ambient.scopeOf(this, true)
      if (scope != null) return scope.current()
    }
    if (!this.turn || this.lastTransactionId() !== this.turnTransactionId) this.beginTurn()
    return this
  }

  beginTurn() {
    this.checkOpen()
    this.turnTransactionId = this.lastTransactionId()
    this.refreshCatalog()
    if (!this.turn) setImmediate(this.endTurn)
    this.turn = true
  }

  /** @throws {LodestoreError} CLOSED */
  checkOpen() {
    if (!this.closed) return
    throw new LodestoreError('CLOSED', `The database '${this.path}' is closed`, { path: this.path })
  }

  /** The id of the last transaction that any thread or process has committed. */
  lastTransactionId() {
    try {
      return this.fast.lastTransactionId()
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /** The store of this name. @throws {LodestoreError} STORE_NOT_FOUND */
  definition(name) {
    return this.catalog.store(name)
  }

  /** Where writes go. */
  writes() {
    return this.queue
  }

  /** Reads the catalog again if it has changed, by whichever process. */
  refreshCatalog() {
    try {
      if (this.catalog !== null && this.native.catalogVersion() === this.catalog.version) return
      this.catalog = this.catalogOf(this.native.catalog(0))
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /** @param {Buffer} bytes a catalog document */
  catalogOf(bytes) {
    return new Catalog(this.decodeInternal(bytes), (description) => this.stateOf(description))
  }

  /** The names of a store and index in an event, which has their ids. */
  namesOf({ storeId, indexId }) {
    const store = [...this.catalog.stores.values()].find(({ id }) => id === storeId)
    const index = [...(store?.indexes.values() ?? [])].find(({ id }) => id === indexId)
    return { store: store?.name, index: index?.name }
  }

  stateOf(description) {
    let state = this.states.get(description.id)
    // The id of a store whose creation was rolled back may be given to another one.
    if (state === undefined || !state.describes(description)) {
      state = new StoreState(this, description)
      this.states.set(description.id, state)
    }
    state.name = description.name
    return state
  }

  /* Reading */

  /** Gives the native library the memory that requests and answers travel in. */
  shareBuffers(outBytes) {
    if (this.out.length !== outBytes) this.out = Buffer.allocUnsafeSlow(outBytes)
    this.sharedRequest = this.request.buffer
    this.native.setBuffers(this.sharedRequest, this.out)
  }

  /**
   * The document under a key, or undefined.
   *
   * @param {number} snapshot
   * @param {StoreState} state
   * @param {unknown} key
   * @throws {LodestoreError} INVALID_KEY, and what the read throws
   */
  get(snapshot, state, key) {
    const { request } = this
    request.position = 0
    // Accessors of an array may call back and use the memory that the key goes to.
    writeKey(request, Array.isArray(key) ? copyKey(key) : key)
    if (request.buffer !== this.sharedRequest) this.shareBuffers(this.out.length)
    const keyLength = request.position
    let length
    try {
      length = this.fast.get(snapshot, state.id, keyLength)
      while (length < NOT_FOUND) {
        this.shareBuffers(this.native.neededLength())
        length = this.fast.get(snapshot, state.id, keyLength)
      }
    } catch (error) {
      throw this.errorOf(error)
    }
    if (length === NOT_FOUND) return undefined
    return state.decoder.decode(this.out, 0, length, state.shapes)
  }

  /**
   * Runs the read request in `request` on this thread. The answer stands in `out` until the next
   * call.
   *
   * @param {number} snapshot
   * @returns {number} the answer's length
   */
  read(snapshot) {
    let length = this.readIfShort(snapshot)
    while (length < 0) {
      this.shareBuffers(this.native.neededLength())
      length = this.readIfShort(snapshot)
    }
    return length
  }

  /** Like `read`, but gives a negative number if the answer is longer than `out`. */
  readIfShort(snapshot) {
    const { request } = this
    if (request.buffer !== this.sharedRequest) this.shareBuffers(this.out.length)
    try {
      return this.fast.read(snapshot, request.position)
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /**
   * Runs a read request off the JavaScript thread.
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
    try {
      return this.native.snapshot()
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /** Lets go of a pinned snapshot. */
  unpin(snapshot) {
    if (!this.closed) this.native.closeSnapshot(snapshot)
  }

  /** The registered shapes of a store: `[id, …names]` each. */
  shapes(storeId) {
    try {
      return this.decodeInternal(this.native.shapes(storeId))
    } catch (error) {
      throw this.errorOf(error)
    }
  }

  /* Writing */

  /** Sends a batch of operations. */
  send(batch) {
    this.checkOpen()
    if (diagnostics.timed()) this.watch(batch)
    const ticket = this.tickets.open(batch)
    try {
      this.native.write(ticket, batch.writer.buffer, batch.writer.position, 0)
    } catch (error) {
      this.tickets.close(ticket)
      throw error
    }
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
    const bytes = this.encodeInternal(candidates)
    const { queue } = this
    const batch = queue.open()
    writeValueOperation(batch.writer, OP.REGISTER_SHAPES, bytes, storeId)
    queue.append(batch)
    const at = queue.lastAt
    await batch.settled
    const result = batch.result(at)
    return result === undefined ? [] : this.decodeInternal(result)
  }

  /** Waits until the writes that were accepted so far are done, well or not. */
  async settleWrites() {
    this.queue.flushAll()
    await Promise.all(Array.from(this.tickets.waiting.values(), ({ settled }) => settled))
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

  /** Takes completions, progress and events. */
  receive(message) {
    forEachMessage(message, (ticket, kind, payload) => {
      if (kind === MESSAGE.OK) this.tickets.close(ticket)?.complete(payload)
      else if (kind === MESSAGE.ERROR) this.tickets.close(ticket)?.fail(payload)
      else if (kind === MESSAGE.PROGRESS) this.tickets.get(ticket)?.progress?.(payload)
      else if (kind === MESSAGE.EVENT) this.event(payload)
    })
  }

  event(payload) {
    const event = this.decodeInternal(payload)
    // Listeners may throw; the completions behind this message must still be delivered.
    queueMicrotask(() => this.onEvent?.(event))
  }

  /**
   * The error that a caller is given.
   *
   * @param {unknown} reason an encoded report, what a native call threw, or an error of ours
   * @returns {Error} made here, so that its stack is the caller's
   */
  errorOf(reason) {
    const report = reason instanceof Uint8Array ? this.decodeInternal(reason) : reportOf(reason)
    return report === undefined ? reason : errorOfReport(report)
  }

  decodeInternal(bytes) {
    return this.internalDecoder.decode(bytes, 0, bytes.length, NO_SHAPES)
  }

  /** @returns {Buffer} the value as a document without shapes */
  encodeInternal(value) {
    const writer = new WriteBuffer(512)
    this.encoder.encode(value, NO_SHAPES, writer)
    return writer.buffer.subarray(0, writer.position)
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
    this.turn = false
    await closed
  }
}

module.exports = { Connection }
