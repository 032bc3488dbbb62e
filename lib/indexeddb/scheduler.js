'use strict'

const { clearTimeout, setTimeout } = require('node:timers')
const { TransactionSession } = require('../transaction-session')
const { exception, exceptionOf } = require('./exceptions')
const { Snapshots } = require('./snapshots')
const { StoreLines } = require('./store-lines')

/**
 * How long a transaction that may write has for its first write when others wait: once it steps
 * back, other threads and processes may change what it has read, and then it has to be aborted.
 * One that reads and then writes is far from it also on a busy machine; one that waits for those
 * who wait for it is let go on.
 */
const GRACE_MS = 1000

const CHANGED = 'The data was changed by others while the transaction waited'

/**
 * Decides when the transactions of one database begin, and which of them writes.
 *
 * A transaction begins when those that were created before it and have stores in common with it
 * have ended, if one of the two writes. Transactions without common stores run side by side. The
 * storage has one writer, though: one that goes on without writing steps back for another.
 */
class Scheduler {
  /** @param {import('../connection').Connection} connection */
  constructor(connection) {
    this.connection = connection
    this.snapshots = new Snapshots(connection)
    /** Transactions that have not ended, in the order of their creation. */
    this.live = new Set()
    this.lines = new StoreLines()
    /** How many of them have stepped back. */
    this.steppedBack = 0
    /** @type {import('./transaction-state').TransactionState | null} the one that may write */
    this.writer = null
    /** Those that wait to write. */
    this.waiting = []
    /** Runs while others wait for one that has written nothing yet. */
    this.grace = null
    this.isGraceOver = false
    /** How often one of ours has committed a change. */
    this.commits = 0
    /** What the next one writes through, which begins right behind a commit. */
    this.prepared = null
  }

  /** @param {import('./transaction-state').TransactionState} transaction */
  add(transaction) {
    this.live.add(transaction)
    this.lines.add(transaction)
    transaction.onFinish = (isCommitted) => this.remove(transaction, isCommitted)
    this.startIfFree(transaction)
  }

  remove(transaction, isCommitted) {
    this.live.delete(transaction)
    const free = this.lines.remove(transaction)
    if (transaction.base !== undefined) this.steppedBack--
    if (this.writer === transaction) {
      if (isCommitted && transaction.hasChanged) this.commits++
      this.writer = null
      this.endGrace()
    }
    const at = this.waiting.indexOf(transaction)
    if (at >= 0) this.waiting.splice(at, 1)
    // What was prepared has begun, and they were registered before it.
    const mayRegister = this.prepared === null && transaction.mode !== 'readonly'
    if (isCommitted && mayRegister) this.registerShapes(transaction)
    for (const each of free) this.startIfFree(each)
    this.admitNext()
    if (this.writer === null) this.dropPrepared()
  }

  /** Lets the stores that were written to learn what their values look like. */
  registerShapes({ database, scope }) {
    // It would look like a change by others.
    if (this.steppedBack > 0) return
    for (const name of scope) database.stores.get(name)?.state?.registerCandidates()
  }

  /** Starts those that may. */
  startAll() {
    for (const each of this.live) this.startIfFree(each)
  }

  /** Starts a transaction unless something that was created before stands in the way. */
  startIfFree(transaction) {
    if (transaction.isStarted || !this.live.has(transaction)) return
    if (transaction.database.isOpening && transaction.mode !== 'versionchange') return
    if (!this.lines.isFree(transaction)) return
    this.lines.started(transaction)
    transaction.start()
  }

  /** Gives a transaction what it writes through, when it is there. */
  acquire(transaction) {
    if (this.waiting.includes(transaction) || this.writer === transaction) return
    this.waiting.push(transaction)
    this.admitNext()
  }

  admitNext() {
    if (this.waiting.length === 0) return
    if (this.writer !== null) {
      if (this.isGraceOver) this.stepBack(this.writer)
      else this.giveGrace()
      return
    }
    const next = this.waiting.shift()
    this.writer = next
    this.endGrace()
    void this.admit(next)
  }

  async admit(transaction) {
    try {
      const session = await this.takeSession(transaction)
      const isOutdated = !this.isUnchanged(transaction)
      if (transaction.isFinished || isOutdated) await session.abandon()
      if (isOutdated) throw exception('AbortError', CHANGED)
      if (transaction.isFinished) return
      transaction.use(session.root)
    } catch (error) {
      transaction.abort(exceptionOf(error))
      return
    }
    this.admitNext()
  }

  /** Commits a transaction, and has the session begin that the next one needs. */
  async commit(transaction) {
    const committed = transaction.level.session.commit()
    this.prepareAfter(transaction)
    await committed
  }

  /**
   * As `commit`, together with what waits to be sent.
   *
   * @returns {Promise<boolean>} false if that has failed, and it goes on
   */
  async commitIfDone(transaction) {
    const committed = transaction.level.session.commitIfDone()
    this.prepareAfter(transaction)
    return await committed
  }

  prepareAfter(transaction) {
    if (this.prepared !== null) return
    const next = this.waiting[0] ?? this.lines.nextAfter(transaction)
    if (next === undefined || next.mode !== 'readwrite' || next.steps.length === 0) return
    // Behind the session that begins, it would look like a change by others.
    this.registerShapes(transaction)
    this.prepare(next)
  }

  prepare({ durability }) {
    const session = this.begin(durability, false)
    this.prepared = { durability, session }
    // Who takes it hears of a failure.
    session.catch(() => {})
  }

  /** What a transaction writes through: what was prepared for it, or a new one. */
  takeSession({ durability }) {
    const { prepared } = this
    if (prepared?.durability === durability) {
      this.prepared = null
      return prepared.session
    }
    this.dropPrepared()
    // One that is being given up has to go first.
    return this.begin(durability, prepared === null)
  }

  /** Ends the session that was prepared, if nobody has taken it. */
  dropPrepared() {
    const { prepared } = this
    if (prepared === null) return
    this.prepared = null
    prepared.session.then(
      (session) => session.abandon(),
      () => {},
    )
  }

  /** @param {boolean} mayWait whether the writer is expected to be free */
  begin(durability, mayWait) {
    const options = { allowed: null, durability, timeout: 0, idleTimeout: 0 }
    return TransactionSession.begin(this.connection, options, false, mayWait)
  }

  giveGrace() {
    // Before that, it waits for writers of other threads and processes itself.
    if (this.writer.level === null) return
    this.grace ??= setTimeout(() => {
      this.isGraceOver = true
      this.reconsider()
    }, GRACE_MS)
  }

  endGrace() {
    clearTimeout(this.grace)
    this.grace = null
    this.isGraceOver = false
  }

  /** A transaction may be able to step back now. */
  reconsider() {
    const isAsked = this.isGraceOver && this.waiting.length > 0 && this.writer !== null
    if (isAsked) this.stepBack(this.writer)
  }

  /** Lets a transaction that has written nothing read on without the writer. */
  stepBack(transaction) {
    const { level, view } = transaction
    const mayStep = level !== null && level.session.writes === 0
    if (!mayStep || !transaction.isAnswered || transaction.isFinished) return
    // Nobody else has been able to write since it began.
    const pinned = view.interactive ? this.snapshots.openIfFree() : view
    // Without a reader it keeps the writer.
    if (pinned === null) return
    transaction.view = pinned
    transaction.level = null
    if (transaction.base === undefined) this.steppedBack++
    transaction.base = {
      id: this.connection.memory.transactionIdOf(pinned.snapshot),
      commits: this.commits,
    }
    this.writer = null
    void level.session.abandon().then(() => this.admitNext())
  }

  /** Whether no others have written since a transaction stepped back. */
  isUnchanged({ base }) {
    if (base === undefined) return true
    const { connection } = this
    const snapshot = connection.pin()
    const id = connection.memory.transactionIdOf(snapshot)
    connection.unpin(snapshot)
    return id - base.id === this.commits - base.commits
  }
}

module.exports = { Scheduler }
