'use strict'

const { isHeard } = require('./event-target')
const { exceptionOf } = require('./exceptions')
const { TargetState } = require('./target-state')

/** What a request is about and has come to. */
class RequestState extends TargetState {
  /**
   * @param {object | null} source the IDBObjectStore, IDBIndex or IDBCursor that it was made by
   * @param {import('./transaction-state').TransactionState | null} transaction
   */
  constructor(source, transaction) {
    super()
    this.source = source
    this.transaction = transaction
    /** The IDBRequest. */
    this.face = null
    this.isDone = false
    this.result = undefined
    this.error = null
    /** Whether it has come to something, which the program is still to be told. */
    this.isSettled = false
    this.outcome = undefined
    this.failure = null
    this.perform = null
    this.writes = false
    this.holds = false
    this.scans = false
    /** Makes what the program gets of what the database has answered; null if that is the same. */
    this.present = null
  }

  /**
   * Begins, or begins anew, as the requests of cursors do.
   *
   * @param {(view: object) => unknown} perform asks the database
   * @param {import('./transaction-state').RequestOptions} options
   */
  begin(perform, { writes = false, holds = false, scans = false } = {}) {
    this.perform = perform
    this.writes = writes
    this.holds = holds
    this.scans = scans
    this.isDone = false
    this.isSettled = false
    this.result = undefined
    this.error = null
  }

  /** It has succeeded. */
  settle(outcome) {
    if (this.transaction.isFinished) return
    this.outcome = outcome
    this.isSettled = true
    this.transaction.requestSettled(this)
  }

  /** It has failed. */
  fail(error) {
    if (this.transaction.isFinished) return
    this.failure = exceptionOf(error)
    this.isSettled = true
    this.transaction.requestSettled(this)
  }

  /** Whether it has succeeded, and nobody listens. */
  get isUnheard() {
    if (!this.isSettled || this.failure !== null) return false
    return this.face === null || !isHeard(this.face, 'success')
  }

  /** Shows what it has come to. */
  finish() {
    this.isDone = true
    const { failure, outcome, present } = this
    if (failure !== null) this.error = failure
    else this.result = present === null ? outcome : present(outcome)
    this.outcome = undefined
  }

  /** Shows that it was given up. */
  abort(error) {
    this.isDone = true
    this.isSettled = true
    this.outcome = undefined
    this.result = undefined
    this.failure = error
    this.error = error
  }
}

module.exports = { RequestState }
