'use strict'

const { Promise } = require('../globals')
const pace = require('../pace')
const { isHeard, setParent } = require('./event-target')
const { exception, exceptionOf, inactive } = require('./exceptions')
const { abortEvent, completeEvent, errorEvent, fire, successEvent } = require('./fire')
const { Queue } = require('./queue')
const { RequestState } = require('./request-state')
const { makeRequest } = require('./request')
const { TargetState } = require('./target-state')
const { atEndOfTask, queueTask } = require('./tasks')

/** Whether requests can be made, as the specification calls it. */
const STATE = Object.freeze({
  ACTIVE: 'active',
  INACTIVE: 'inactive',
  COMMITTING: 'committing',
  FINISHED: 'finished',
})

/**
 * What a request is to the requests that follow it.
 *
 * @typedef {object} RequestOptions
 * @property {boolean} [writes] whether it changes anything
 * @property {boolean} [holds] whether all that follow wait until it has been answered
 * @property {boolean} [scans] whether it may read in several steps, all of which have to find the
 *   same: those that follow and write wait until it has been answered
 */

/** A program may have made thousands of requests in one turn. */
const stepPacer = new pace.Pacer()
const deliveryPacer = new pace.Pacer()

/**
 * A transaction: its requests, in order, and its life ("transaction lifecycle").
 *
 * It is active while code runs that may make requests. When none is left, it commits.
 */
class TransactionState extends TargetState {
  /**
   * @param {import('./database-state').DatabaseState} database
   * @param {'readonly' | 'readwrite' | 'versionchange'} mode
   * @param {Set<string>} scope the names of its stores
   * @param {'default' | 'strict' | 'relaxed'} durability
   */
  constructor(database, mode, scope, durability) {
    super()
    this.database = database
    this.mode = mode
    this.scope = scope
    this.durability = durability
    /** The IDBTransaction. */
    this.face = null
    this.state = STATE.ACTIVE
    /** @type {DOMException | null} why it was aborted */
    this.error = null
    /** What the data is read through, and written if it is `level`; null before it has begun. */
    this.view = null
    /** @type {import('../transaction-level').TransactionLevel | null} while it may write */
    this.level = null
    this.isStarted = false
    /** Requests that the program has not been told about, in order. */
    this.requests = new Queue()
    /** Those that the database has not been asked for. */
    this.steps = new Queue()
    /** How many the database has not answered. */
    this.asked = 0
    /** How many of these scan. */
    this.scanning = 0
    /** Whether the next steps wait for one to end. */
    this.isHeld = false
    /** Whether the next steps wait for the event loop to turn. */
    this.isPaced = false
    this.isDelivering = false
    /** Whether it is being committed. */
    this.isEnding = false
    /** @type {{ error: Error | null } | null} what the commit has come to */
    this.ending = null
    /** Whether it has changed anything, so that its commit makes a new state. */
    this.hasChanged = false
    /** What it had seen when it let another one write. */
    this.base = undefined
    /** The faces of stores and indexes that the program has. */
    this.stores = new Map()
    this.indexes = new Map()
    /** Called when it has ended, before the program is told. */
    this.onFinish = null
    /** Called when the program has been told of its end. */
    this.onEnd = null
  }

  /* Life */

  /** Ends the time in which the code that created it may make requests. */
  deactivateAtEndOfTask() {
    atEndOfTask(() => this.deactivate())
  }

  deactivate() {
    if (this.state === STATE.ACTIVE) this.state = STATE.INACTIVE
    this.leave()
  }

  /** The code that may make requests has ended: what it has asked for is sent. */
  leave() {
    if (this.mayCommitUnanswered) void this.commitUnanswered()
    // Held back until now, since it might have been the last.
    else this.level?.queue.flushLast()
    this.goOn()
  }

  get isFinished() {
    return this.state === STATE.FINISHED
  }

  /** @throws {DOMException} TransactionInactiveError */
  checkActive() {
    if (this.state !== STATE.ACTIVE) throw inactive()
  }

  /**
   * Runs code of the user that must not make requests.
   *
   * @template T
   * @param {() => T} run
   * @returns {T}
   * @throws {DOMException} TransactionInactiveError
   */
  whileInactive(run) {
    this.checkActive()
    this.state = STATE.INACTIVE
    try {
      return run()
    } finally {
      if (this.state === STATE.INACTIVE) this.state = STATE.ACTIVE
    }
  }

  /** Its turn has come. */
  start() {
    this.isStarted = true
    if (this.mode === 'readonly') {
      this.beginReading()
    } else if (this.steps.length > 0) {
      this.acquire()
    }
    this.issueSteps()
    this.goOn()
  }

  /** Asks for what writes go through. */
  acquire() {
    this.database.scheduler.acquire(this)
  }

  /** Takes what it may write through from now on. */
  use(level) {
    this.level = level
    // What code asks for is sent when it ends: with the commit, if nothing else may come.
    level.queue.isHeld = () => this.state === STATE.ACTIVE
    this.view = (this.isReading ? this.database.scheduler.snapshots.openIfFree() : null) ?? level
    this.issueSteps()
  }

  /**
   * Whether it reads before it writes. It does so through a snapshot, on this thread: nobody else
   * can write meanwhile, so that shows the same.
   */
  get isReading() {
    return this.mode === 'readwrite' && !this.steps.first.writes
  }

  beginReading() {
    try {
      this.view = this.database.scheduler.snapshots.open()
    } catch (error) {
      // Not under the hands of the code that creates it.
      atEndOfTask(() => this.abort(exceptionOf(error)))
    }
  }

  /** Lets go of the snapshot that it reads from, if there is one. */
  endReading() {
    const { view } = this
    if (view === null || view.interactive) return
    this.view = null
    this.database.scheduler.snapshots.close(view)
  }

  /** What was read through a snapshot goes on where it writes. @returns {boolean} if it may */
  beginWriting() {
    // What reads through the snapshot is answered first.
    if (this.asked > 0) return false
    this.endReading()
    this.view = this.level
    if (this.level === null) this.acquire()
    return this.level !== null
  }

  /* Requests */

  /**
   * Makes a request.
   *
   * @param {object} source
   * @param {(view: object) => unknown} perform asks the database; answers with the result, or a
   *   promise of it
   * @param {RequestOptions} [options]
   * @returns {IDBRequest}
   * @throws {DOMException} TransactionInactiveError: accessors of an argument may have ended it
   */
  request(source, perform, options) {
    this.checkActive()
    const request = new RequestState(source, this)
    const face = makeRequest(request)
    setParent(face, this.face)
    this.place(request, perform, options)
    return face
  }

  /** Makes a request that is there already. */
  place(request, perform, options) {
    request.begin(perform, options)
    this.requests.push(request)
    this.steps.push(request)
    if (!this.isStarted) return
    if (this.view === null && this.steps.length === 1) this.acquire()
    this.issueSteps()
  }

  /** Changes the schema; there is no request that tells of it. */
  change(perform) {
    this.place(new RequestState(null, this), perform, { writes: true, holds: true })
  }

  /** Asks the database for what it can be asked for, and commits if that was all. */
  issueSteps() {
    this.performSteps()
    if (this.mayCommitUnanswered) void this.commitUnanswered()
  }

  performSteps() {
    const { steps } = this
    while (steps.length > 0 && this.view !== null && !this.isHeld && !this.isFinished) {
      if (this.isPaced) return
      if (stepPacer.isDue()) {
        this.isPaced = true
        pace.onNextTurn(() => {
          this.isPaced = false
          this.issueSteps()
        })
        return
      }
      if (steps.first.writes && this.scanning > 0) return
      if (steps.first.writes && !this.view.interactive && !this.beginWriting()) return
      this.perform(steps.shift())
    }
  }

  perform(request) {
    const { perform } = request
    // The program may keep the request.
    request.perform = null
    let answer
    try {
      answer = perform(this.view)
    } catch (error) {
      request.fail(error)
      return
    }
    if (!(answer instanceof Promise)) {
      request.settle(answer)
      return
    }
    this.asked++
    if (request.holds) this.isHeld = true
    if (request.scans) this.scanning++
    answer.then(
      (outcome) => this.answered(request, () => request.settle(outcome)),
      (error) => this.answered(request, () => request.fail(error)),
    )
  }

  /** The database has answered. */
  answered(request, take) {
    this.asked--
    if (request.holds) this.isHeld = false
    if (request.scans) this.scanning--
    take()
    if (this.isFinished) return
    if (this.asked === 0 && this.mode === 'readwrite') this.database.scheduler.reconsider()
    this.issueSteps()
    this.goOn()
  }

  /** A request has come to something. */
  requestSettled(request) {
    if (this.requests.first === request) this.goOn()
  }

  /** Whether the database has answered everything that it was asked for. */
  get isAnswered() {
    return this.asked === 0 && !this.isEnding
  }

  /** Does what is to be done next: tells of a request, or commits. */
  goOn() {
    if (this.isDelivering || this.isFinished) return
    if (this.level !== null && this.isLeft) this.passUnheard()
    if (this.requests.length > 0) {
      if (!this.requests.first.isSettled) return
      this.isDelivering = true
      queueTask((done) => this.deliver(done))
    } else if (this.ending !== null) {
      if (this.asked === 0) this.conclude(this.ending)
    } else if (this.isIdle) {
      void this.finishWork()
    }
  }

  /** Whether no code runs that may make requests. */
  get isLeft() {
    return this.state === STATE.INACTIVE || this.state === STATE.COMMITTING
  }

  /** Whether nothing is left to do, or may come. */
  get isIdle() {
    const isLeft = this.isLeft && this.isStarted
    return isLeft && !this.isHeld && this.steps.length === 0 && !this.isEnding
  }

  /** Ends requests of which nobody is to be told, which takes no task: the commit need not wait. */
  passUnheard() {
    const { requests } = this
    while (requests.first?.isUnheard && !deliveryPacer.isDue()) requests.shift().finish()
  }

  /** Tells the program of requests: of all that nobody listens to, and of one more. */
  deliver(done) {
    const { requests } = this
    while (!this.isFinished && requests.length > 0 && requests.first.isSettled) {
      const { failure: failed } = requests.first
      if (failed !== null && this.state === STATE.COMMITTING) {
        this.isDelivering = false
        this.abort(failed)
        done()
        return
      }
      const { isUnheard } = requests.first
      const request = requests.shift()
      request.finish()
      if (!isUnheard) {
        this.tell(request, done)
        return
      }
      if (deliveryPacer.isDue()) {
        pace.onNextTurn(() => this.deliver(done))
        return
      }
    }
    this.isDelivering = false
    this.goOn()
    done()
  }

  tell(request, done) {
    const { failure } = request
    if (request.face === null) {
      this.isDelivering = false
      this.abort(failure)
      done()
      return
    }
    if (this.state === STATE.INACTIVE) this.state = STATE.ACTIVE
    fire(request.face, failure === null ? successEvent() : errorEvent(), (result) => {
      this.isDelivering = false
      if (this.state === STATE.ACTIVE) {
        this.state = STATE.INACTIVE
        if (result.didThrow) {
          this.abort(exception('AbortError', 'A listener has thrown an exception'))
        } else if (failure !== null && !result.isCanceled) {
          this.abort(failure)
        }
      } else if (this.state === STATE.COMMITTING && failure !== null && !result.isCanceled) {
        this.abort(failure)
      }
      this.leave()
      done()
    })
  }

  /* The end */

  /** Commits without waiting for the requests to be told of. */
  commit() {
    this.state = STATE.COMMITTING
    this.goOn()
  }

  async finishWork() {
    this.isEnding = true
    this.state = STATE.COMMITTING
    const { level } = this
    try {
      this.endReading()
      if (level !== null) await this.database.scheduler.commit(this)
      this.ending = { error: null }
    } catch (error) {
      this.ending = { error }
    }
    this.goOn()
  }

  /**
   * Whether the requests that are left are writes that wait to be sent together, and whose success
   * nobody listens to: nothing can come behind them.
   */
  get mayCommitUnanswered() {
    const { level, requests } = this
    if (level === null || !this.isLeft || this.steps.length > 0 || this.isEnding) return false
    const { current } = level.queue
    // Each of them is one operation.
    if (current === null || current.count !== requests.length) return false
    return this.asked === requests.length && requests.every(isUnheardWrite)
  }

  /** Commits with the last writes, in one message. If one of them fails, nothing has happened. */
  async commitUnanswered() {
    const { state } = this
    this.isEnding = true
    this.state = STATE.COMMITTING
    try {
      if (await this.database.scheduler.commitIfDone(this)) {
        this.ending = { error: null }
      } else {
        this.isEnding = false
        if (!this.isFinished) this.state = state
      }
    } catch (error) {
      this.ending = { error }
    }
    this.goOn()
  }

  /** It has been committed, or cannot be, and the program has been told of all requests. */
  conclude({ error }) {
    if (error !== null) {
      this.abort(exceptionOf(error))
      return
    }
    this.state = STATE.FINISHED
    this.tellEnd(completeEvent(), true)
  }

  /**
   * Undoes everything.
   *
   * @param {DOMException | null} error
   */
  abort(error) {
    if (this.isFinished) return
    this.state = STATE.FINISHED
    this.error = error
    this.steps.drain()
    const pending = this.requests.drain()
    this.database.transactionAborted(this)
    for (const request of pending) {
      if (request.face === null) continue
      queueTask((done) => {
        request.abort(exception('AbortError', 'The transaction was aborted'))
        fire(request.face, errorEvent(), done)
      })
    }
    void this.finishAbort()
  }

  async finishAbort() {
    await this.undo()
    this.tellEnd(abortEvent(), false)
  }

  /** Tells the program of the end, and others that they may go on. */
  tellEnd(event, isCommitted) {
    queueTask((done) => {
      this.database.transactionEnded(this)
      fire(this.face, event, () => {
        this.onEnd?.(isCommitted)
        done()
      })
    })
    this.onFinish?.(isCommitted)
  }

  async undo() {
    this.endReading()
    await this.level?.session.abandon()
  }
}

/** Whether a request is a single operation, and nobody listens to its success. */
function isUnheardWrite({ writes, holds, face }) {
  return writes && !holds && (face === null || !isHeard(face, 'success'))
}

module.exports = { STATE, TransactionState }
