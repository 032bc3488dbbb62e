'use strict'

const { exception } = require('./exceptions')
const { closeEvent, fire } = require('./fire')
const { StoreInfo } = require('./schema-info')
const { TargetState } = require('./target-state')
const { queueTask } = require('./tasks')

/** Closes connections that nobody can close any more, and which others would wait for. */
const dropped = new FinalizationRegistry((database) => database.close())

/** A connection to a database, as its program sees it. */
class DatabaseState extends TargetState {
  /** @type {WeakRef<object> | null} the IDBDatabase, which its program may drop */
  #face = null

  /**
   * @param {import('./engine').Engine} engine
   * @param {string} name
   * @param {number} version
   */
  constructor(engine, name, version) {
    super()
    this.engine = engine
    /** The IDBDatabase, while it has a reason to stay: nothing reads this. */
    this.kept = null
    this.name = name
    this.version = version
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
    /** Whether it is closed against the will of its program. */
    this.isForced = false
    for (const definition of engine.connection.newest.catalog.stores.values()) {
      this.stores.set(definition.name, StoreInfo.of(definition))
    }
  }

  get connection() {
    return this.engine.connection
  }

  /** The IDBDatabase; undefined if nobody has it any more, nor listens to it. */
  get face() {
    return this.#face.deref()
  }

  /** @param {object} face the IDBDatabase */
  shownAs(face) {
    this.#face = new WeakRef(face)
    this.kept = face
    dropped.register(face, this, this)
  }

  /** Listeners may want to know of other versions. */
  setListeners(listeners) {
    super.setListeners(listeners)
    this.#keep()
  }

  #keep() {
    const isWanted = this.isOpening || (this.listeners.length > 0 && !this.isClosed)
    this.kept = isWanted ? (this.face ?? null) : null
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
    this.#keep()
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

  /** Tells its program that others want it closed, unless it is about to be. */
  tell(event, done) {
    const { face } = this
    if (this.isClosePending || face === undefined) done()
    else fire(face, event, done)
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

  /**
   * Closes it at once: its storage has failed.
   *
   * @param {Error} cause
   */
  closeByForce(cause) {
    if (this.isClosed) return
    this.isForced = true
    for (const transaction of this.transactions) {
      // What is being committed fails, or does not.
      if (transaction.isEnding) continue
      transaction.abort(exception('AbortError', 'The connection was closed: it has failed', cause))
    }
    this.close()
  }

  closeIfDone() {
    if (!this.isClosePending || this.isClosed || this.transactions.size > 0) return
    this.isClosed = true
    dropped.unregister(this)
    const { face } = this
    if (this.isForced && face !== undefined) {
      queueTask((done) => fire(face, closeEvent(), done))
    }
    this.#keep()
    this.onClosed?.()
  }
}

module.exports = { DatabaseState }
