'use strict'

const { StoreInfo } = require('./schema-info')

/** A connection to a database, as its program sees it. */
class DatabaseState {
  /**
   * @param {import('./engine').Engine} engine
   * @param {string} name
   * @param {number} version
   */
  constructor(engine, name, version) {
    this.engine = engine
    this.name = name
    this.version = version
    /** The IDBDatabase. */
    this.face = null
    /** @type {Map<string, StoreInfo>} */
    this.stores = new Map()
    /** Whether its program wants no more of it. */
    this.isClosePending = false
    /** Whether its program has not been told yet that it is open. */
    this.isOpening = true
    /** Transactions that have not ended. */
    this.transactions = new Set()
    /** @type {import('./transaction-state').TransactionState | null} */
    this.upgrade = null
    /** Puts the schema back as it was before the upgrade. */
    this.restore = null
    /** Called when it is closed: nothing runs on it any more. */
    this.onClosed = null
    this.isClosed = false
    for (const definition of engine.connection.newest.catalog.stores.values()) {
      this.stores.set(definition.name, StoreInfo.of(definition))
    }
  }

  get connection() {
    return this.engine.connection
  }

  get scheduler() {
    return this.engine.scheduler
  }

  /** Takes a transaction that was created. */
  begin(transaction) {
    this.transactions.add(transaction)
    this.scheduler.add(transaction)
  }

  /** Its program has been told that it is open, or is not. */
  opened() {
    this.isOpening = false
    this.scheduler.startAll()
  }

  /** Remembers the schema as an aborted upgrade has to leave it. */
  saveSchema(oldVersion) {
    const saved = [...this.stores].map(([name, info]) => [name, info, info.save()])
    this.restore = () => {
      for (const info of this.stores.values()) info.discard()
      this.version = oldVersion
      this.stores = new Map()
      for (const [name, info, restore] of saved) {
        restore()
        this.stores.set(name, info)
      }
    }
  }

  /** A transaction is being undone. */
  transactionAborted(transaction) {
    if (transaction.mode === 'versionchange') this.restore()
  }

  /** A transaction has ended; its program is about to be told. */
  transactionEnded(transaction) {
    if (transaction === this.upgrade) {
      this.upgrade = null
      this.restore = null
    }
    this.transactions.delete(transaction)
    this.closeIfDone()
  }

  /** Closes it when its transactions have ended. */
  close() {
    this.isClosePending = true
    this.closeIfDone()
  }

  closeIfDone() {
    if (!this.isClosePending || this.isClosed || this.transactions.size > 0) return
    this.isClosed = true
    this.onClosed?.()
  }
}

module.exports = { DatabaseState }
