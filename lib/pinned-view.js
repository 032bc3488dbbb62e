'use strict'

const { LodestoreError } = require('./errors')
const { inactive, notAllowed, readOnlyTransaction } = require('./transaction-level')

/** Lets go of snapshots that nobody closed. */
const leaked = new FinalizationRegistry(({ connection, snapshot }) => connection.unpin(snapshot))

/** One state of the database, held until it is closed: a snapshot or a read-only transaction. */
class PinnedView {
  /**
   * Pins the newest state.
   *
   * @param {import('./connection').Connection} connection
   * @param {{ allowed: Set<string> | null, inTransaction: boolean }} options
   */
  constructor(connection, { allowed, inTransaction }) {
    connection.checkOpen()
    this.connection = connection
    this.interactive = false
    this.allowed = allowed
    this.inTransaction = inTransaction
    this.ended = false
    const { memory, native, newest } = connection
    newest.refreshCatalog()
    const transactionId = memory.transactionIdOf(0)
    this.memory = memory
    this.catalog = newest.catalog
    this.snapshot = connection.pin()
    leaked.register(this, { connection, snapshot: this.snapshot }, this)
    if (memory.transactionIdOf(this.snapshot) !== transactionId) {
      this.catalog = connection.catalogs.read(native.catalog(this.snapshot))
    }
  }

  /** The same view for fewer stores. */
  restrictedTo(allowed) {
    return Object.create(this, { allowed: { value: allowed } })
  }

  /** @throws {LodestoreError} CLOSED, TX_INACTIVE */
  current() {
    if (this.ended) {
      if (this.inTransaction) throw inactive()
      throw new LodestoreError('CLOSED', 'The snapshot is closed')
    }
    this.connection.checkOpen()
    return this
  }

  /** Whether a read that was begun here may go on. @throws {LodestoreError} CLOSED, TX_INACTIVE */
  checkOpen() {
    this.current()
  }

  /** @throws {LodestoreError} STORE_NOT_FOUND; INVALID_ARGUMENT for stores it was not opened for */
  definition(name) {
    const definition = this.catalog.store(name)
    if (this.allowed === null || this.allowed.has(name)) return definition
    throw notAllowed(name, this.allowed)
  }

  /** @throws {LodestoreError} TX_READ_ONLY */
  writes() {
    if (this.inTransaction) throw readOnlyTransaction()
    throw new LodestoreError(
      'TX_READ_ONLY',
      'A snapshot cannot be written to; write to the database',
    )
  }

  /** Lets go of the state. Idempotent. */
  close() {
    if (this.ended) return
    this.ended = true
    leaked.unregister(this)
    this.connection.unpin(this.snapshot)
  }
}

module.exports = { PinnedView }
