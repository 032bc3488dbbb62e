'use strict'

const { Promise } = require('./globals')
const ambient = require('./ambient')
const { LodestoreError } = require('./errors')
const { OP, writeBareOperation } = require('./operations')
const { OperationQueue } = require('./write-batch')

/**
 * A level of an interactive transaction: the transaction itself, or a savepoint in it. Levels nest;
 * at any time the innermost open one takes operations, those of outer levels wait until it has
 * ended. As a view of the data it is what calls use that are made within it.
 */
class TransactionLevel {
  /**
   * @param {import('./transaction-session').TransactionSession} session
   * @param {TransactionLevel | null} parent
   * @param {{ allowed: Set<string> | null, readOnly: boolean }} restrictions
   * @param {boolean} joins whether calls on the database made within it join the transaction
   */
  constructor(session, parent, { allowed, readOnly }, joins) {
    this.session = session
    this.connection = session.connection
    this.parent = parent
    this.depth = parent === null ? 0 : parent.depth + 1
    this.interactive = true
    this.snapshot = 0
    this.allowed = allowed
    this.readOnly = readOnly
    this.joins = joins
    this.ended = false
    /** The open savepoint right below this level. */
    this.child = null
    /** Settles when no savepoint below is open or waits to be. */
    this.children = Promise.resolve()
    /** Batches that wait for `child` to end. */
    this.held = []
    const { connection } = this
    this.queue = new OperationQueue(
      (batch, isLast) => this.send(batch, isLast),
      (reason) => connection.errorOf(reason),
    )
  }

  /** The catalog as the transaction has it. */
  get catalog() {
    return this.session.catalog
  }

  /**
   * The level that the calling code belongs to: this one, or a savepoint below it that the code
   * runs in.
   *
   * @throws {LodestoreError} TX_INACTIVE, CLOSED
   */
  current() {
    let level = this
    if (this.session.hasSavepoints) {
      const carried = ambient.scopeOf(this.connection, false)
      const isBelow = carried?.session === this.session && carried.depth > this.depth
      if (isBelow) level = carried
    }
    level.checkOpen()
    return level
  }

  /** Whether a read that was begun here may go on. @throws {LodestoreError} TX_INACTIVE, CLOSED */
  checkOpen() {
    if (this.ended) throw inactive()
    this.connection.checkOpen()
  }

  /** @throws {LodestoreError} STORE_NOT_FOUND; INVALID_ARGUMENT for stores it was not opened for */
  definition(name) {
    const definition = this.catalog.store(name)
    if (this.allowed === null || this.allowed.has(name)) return definition
    throw notAllowed(name, this.allowed)
  }

  /** Where writes go. @throws {LodestoreError} TX_READ_ONLY */
  writes() {
    if (this.readOnly) throw readOnlyTransaction()
    this.session.writes++
    return this.queue
  }

  /** Sends a batch, or keeps it until the savepoint below has ended. */
  send(batch, isLast) {
    if (this.child !== null) {
      const { writer } = batch
      // The queue uses the batch's memory again.
      const bytes = Buffer.from(writer.buffer.subarray(0, writer.position))
      this.held.push({ batch, bytes })
      return
    }
    this.session.send(batch, batch.writer.buffer, batch.writer.position, isLast)
  }

  sendHeld() {
    const held = this.held
    this.held = []
    for (const { batch, bytes } of held) {
      try {
        this.session.send(batch, bytes, bytes.length, false)
      } catch (error) {
        batch.fail(error)
      }
    }
  }

  /**
   * Sends what was collected, then an operation without arguments, and waits for it.
   *
   * @param {number} op
   * @param {boolean} [mayWait] whether that takes no sync
   */
  async finishWith(op, mayWait = true) {
    const { queue } = this
    const batch = this.append(op)
    const at = queue.lastAt
    queue.flush(batch, mayWait)
    await batch.settled
    batch.result(at)
  }

  /** Appends an operation without arguments. @returns {import('./write-batch').WriteBatch} */
  append(op) {
    const { queue } = this
    const batch = queue.open()
    writeBareOperation(batch.writer, op)
    queue.append(batch)
    return batch
  }

  /**
   * Runs a function in a savepoint: its work is kept when it resolves, undone when it rejects.
   * Savepoints of one level run one after the other.
   *
   * @template T
   * @param {{ allowed: Set<string> | null, readOnly: boolean }} restrictions
   * @param {boolean} joins whether calls on the database made by the function join the transaction
   * @param {(level: TransactionLevel) => Promise<T> | T} run
   * @returns {Promise<T>}
   */
  savepoint(restrictions, joins, run) {
    this.session.hasSavepoints = true
    const result = this.children.then(() => this.runSavepoint(restrictions, joins, run))
    this.children = result.then(nothing, nothing)
    return result
  }

  async runSavepoint(restrictions, joins, run) {
    if (this.ended) throw inactive()
    this.queue.flushAll()
    const level = new TransactionLevel(this.session, this, restrictions, joins)
    const { catalog } = this.session
    this.child = level
    level.append(OP.SAVEPOINT)
    try {
      const value = await ambient.runWith(this.connection, level, joins, () => run(level))
      await level.children
      level.ended = true
      await level.finishWith(OP.RELEASE)
      return value
    } catch (error) {
      // A release that failed cannot be undone, either.
      if (level.ended) this.session.failed ??= error
      level.ended = true
      await level.children
      if (this.session.failed === null) await this.undo(level, catalog)
      throw error
    } finally {
      this.child = null
      this.sendHeld()
    }
  }

  /** Undoes a savepoint. That the whole transaction has ended in between undoes it, too. */
  async undo(level, catalog) {
    this.session.catalog = catalog
    this.session.writes++
    try {
      await level.finishWith(OP.ROLLBACK_TO)
    } catch (error) {
      this.session.failed ??= error
    }
  }

  /** Ends this level and those below: nothing more may be done in them. */
  end() {
    for (let level = this; level !== null; level = level.child) {
      level.ended = true
      for (const { batch } of level.held) batch.fail(inactive())
      level.held = []
    }
  }
}

function nothing() {}

function inactive() {
  return new LodestoreError(
    'TX_INACTIVE',
    'The transaction has ended; use db.outside(fn) for work that is to outlive a transaction',
  )
}

function readOnlyTransaction() {
  return new LodestoreError(
    'TX_READ_ONLY',
    "The transaction is read-only; begin it with { mode: 'readwrite' } to write",
  )
}

function notAllowed(name, allowed) {
  const names = [...allowed].map((each) => `'${each}'`).join(', ')
  return new LodestoreError(
    'INVALID_ARGUMENT',
    `The transaction was opened for the stores ${names}, not for '${name}'`,
    { store: name, path: 'options.stores' },
  )
}

module.exports = { TransactionLevel, inactive, notAllowed, readOnlyTransaction }
