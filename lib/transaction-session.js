'use strict'

const ambient = require('./ambient')
const { WriteBuffer } = require('./codec')
const diagnostics = require('./diagnostics')
const { LodestoreError } = require('./errors')
const { OP, writeBareOperation } = require('./operations')
const { EVERYTHING } = require('./range')
const pace = require('./pace')
const { ask } = require('./reads')
const { READ, writeRangeRequest } = require('./read-request')
const { TransactionLevel } = require('./transaction-level')

/** How durable a commit has to be, as the native library counts it. */
const DURABILITY = { default: 0, strict: 1, relaxed: 2 }

const TOTAL_TIMEOUT_MS = 60_000
const IDLE_TIMEOUT_MS = 5000

/** Rolls back transactions that nobody can end any more, and which hold up all that write. */
const leaked = new FinalizationRegistry(({ connection, id }) => {
  if (connection.closed) return
  const writer = new WriteBuffer()
  writeBareOperation(writer, OP.ROLLBACK)
  const ticket = connection.tickets.open({ complete() {}, fail() {} })
  connection.native.txSend(id, ticket, writer.buffer, writer.position, false)
})

/** An interactive transaction of the native library. */
class TransactionSession {
  /** A field, so that a setter which Object.prototype may have is not called. */
  id = 0

  /**
   * Begins one; resolves when earlier transactions have ended.
   *
   * @param {import('./connection').Connection} connection
   * @param {object} options checked options of `db.transaction`
   * @param {boolean} joins whether calls on the database made by its function join it
   * @param {boolean} [mayWait] whether this thread may wait a moment for the writer
   */
  static async begin(connection, options, joins, mayWait = true) {
    const { allowed, durability = 'default' } = options
    const { timeout = TOTAL_TIMEOUT_MS, idleTimeout = IDLE_TIMEOUT_MS } = options
    connection.queue.flushAll()
    const limits = {
      totalTimeout: timeout === 0 ? Infinity : timeout,
      idleTimeout: idleTimeout === 0 ? Infinity : idleTimeout,
      durability: DURABILITY[durability],
    }
    const payload = await connection.call((ticket) => {
      connection.take(connection.native.begin(ticket, limits, mayWait && !pace.isDue()))
    })
    const session = new TransactionSession(connection, payload.readUInt32LE(0), allowed, joins)
    await session.loadCatalog(payload.readDoubleLE(4))
    return session
  }

  constructor(connection, id, allowed, joins) {
    this.connection = connection
    this.id = id
    this.catalog = connection.newest.catalog
    /** How many writes it was given, and how many bytes it was sent. */
    this.writes = 0
    this.bytes = 0
    this.begun = diagnostics.timed() ? performance.now() : null
    /** Whether there ever was a savepoint, so that the calling code's level must be looked up. */
    this.hasSavepoints = false
    /** Why a savepoint could not be undone. */
    this.failed = null
    /** @type {Promise<void> | null} the commit or rollback under way */
    this.finishing = null
    this.root = new TransactionLevel(this, null, { allowed, readOnly: false }, joins)
    leaked.register(this, { connection, id }, this)
  }

  /** Takes the connection's catalog if it is of the version that this transaction sees. */
  async loadCatalog(version) {
    const { newest } = this.connection
    this.connection.checkOpen()
    if (newest.catalog.version !== version) newest.refreshCatalog()
    this.catalog = newest.catalog
    if (this.catalog.version !== version) await this.reloadCatalog(this.root)
  }

  /** Reads the catalog as this transaction has it. */
  async reloadCatalog(level) {
    const answer = await ask(level, (writer) =>
      writeRangeRequest(writer, READ.CATALOG, 0, 0, 0, 0, 0, 0, EVERYTHING, null),
    )
    this.catalog = this.connection.catalogs.read(answer.latin1Slice())
  }

  /**
   * Sends packed operations, whose outcome may be waited for if no code of the user waits for this
   * call.
   */
  send(batch, bytes, length, mayWait) {
    const { tickets, native } = this.connection
    this.connection.checkOpen()
    this.bytes += length
    const ticket = tickets.open(batch)
    let messages
    try {
      messages = native.txSend(this.id, ticket, bytes, length, mayWait && !pace.isDue())
    } catch (error) {
      tickets.close(ticket)
      throw error
    }
    if (messages === null) this.connection.awake.wait(ticket)
    else this.connection.receive(messages)
  }

  /**
   * Commits, once the open savepoints have ended.
   *
   * @throws {LodestoreError} TX_INACTIVE, or what the commit fails with; then nothing remains
   */
  async commit() {
    this.beginEnd('commit')
    this.root.ended = true
    this.finishing = this.commitOnce()
    await this.finishing
  }

  async commitOnce() {
    if (this.hasSavepoints) await this.root.children
    if (this.failed !== null) {
      await this.abandon()
      throw this.failed
    }
    await this.finishWith(OP.COMMIT, this.connection.unsynced)
    this.reportCommit()
  }

  /**
   * Commits with the operations that wait to be sent, in one message, if all of them succeed. There
   * is no savepoint.
   *
   * @returns {Promise<boolean>} false if it has not committed, and goes on
   * @throws {LodestoreError} what the commit fails with; then nothing remains
   */
  async commitIfDone() {
    const { root } = this
    root.ended = true
    const batch = root.append(OP.COMMIT_IF_DONE)
    const at = root.queue.lastAt
    root.queue.flush(batch, this.connection.unsynced)
    await batch.settled
    if (batch.failure !== null || batch.results[at] === 0) {
      root.ended = false
      return false
    }
    leaked.unregister(this)
    batch.result(at)
    this.reportCommit()
    return true
  }

  reportCommit() {
    if (this.begun === null) return
    const milliseconds = performance.now() - this.begun
    const { connection, writes, bytes } = this
    diagnostics.reportCommit(connection, 'transaction', writes, bytes, milliseconds)
  }

  /**
   * Rolls back; savepoints that are open end with it.
   *
   * @throws {LodestoreError} TX_INACTIVE
   */
  async rollback() {
    this.beginEnd('rollback')
    this.endLevels()
    this.finishing = this.finishWith(OP.ROLLBACK)
    await this.finishing
  }

  /** @param {number} op @param {boolean} [mayWait] */
  finishWith(op, mayWait) {
    leaked.unregister(this)
    return this.root.finishWith(op, mayWait)
  }

  beginEnd(method) {
    if (!this.root.ended) return
    throw new LodestoreError('TX_INACTIVE', `${method}: the transaction has ended`)
  }

  endLevels() {
    this.root.end()
    this.root.child = null
  }

  /** Rolls back what may have ended by itself. */
  async abandon() {
    this.endLevels()
    try {
      await this.finishWith(OP.ROLLBACK)
    } catch (error) {
      // A transaction that has ended, or a database that is closed, left nothing to roll back.
      if (!(error instanceof LodestoreError)) throw error
    }
  }

  /**
   * Runs a function inside the transaction, which commits when the function resolves and rolls back
   * otherwise.
   *
   * @template T
   * @param {(level: TransactionLevel) => T | Promise<T>} fn
   * @returns {Promise<T>}
   */
  async run(fn) {
    const { root } = this
    let value
    try {
      value = await (root.joins
        ? ambient.runWith(this.connection, root, true, () => fn(root))
        : fn(root))
    } catch (error) {
      await this.abandon()
      throw error
    }
    if (root.ended) await this.finishing
    else await this.commit()
    return value
  }
}

module.exports = { TransactionSession }
