'use strict'

const { Promise } = require('../globals')
const { PinnedView } = require('../pinned-view')
const { isHeard, setParent } = require('./event-target')
const { exception, exceptionOf, inactive } = require('./exceptions')
const { abortEvent, completeEvent, errorEvent, fire, successEvent } = require('./fire')
const { RequestState } = require('./request-state')
const { makeRequest } = require('./request')
const { atEndOfTask, queueTask } = require('./tasks')

/** Whether requests can be made, as the specification calls it. */
const STATE = Object.freeze({
  ACTIVE: 'active',
  INACTIVE: 'inactive',
  COMMITTING: 'committing',
  FINISHED: 'finished',
})

/**
 * A transaction: its requests, in order, and its life ("transaction lifecycle").
 *
 * It is active while code runs that may make requests. When none is left, it commits.
 */
class TransactionState {
  /**
   * @param {import('./database-state').DatabaseState} database
   * @param {'readonly' | 'readwrite' | 'versionchange'} mode
   * @param {Set<string>} scope the names of its stores
   * @param {'default' | 'strict' | 'relaxed'} durability
   */
  constructor(database, mode, scope, durability) {
    this.database = database
    this.mode = mode
    this.scope = scope
    this.durability = durability
    /** The IDBTransaction. */
    this.face = null
    this.state = STATE.ACTIVE
    /** @type {DOMException | null} why it was aborted */
    this.error = null
    /** What the data is read and written through, once it has begun. */
    this.view = null
    this.isStarted = false
    /** Requests that the program has not been told about, in order. */
    this.requests = []
    /** Steps that the database has not been asked for. */
    this.steps = []
    /** Whether the next steps wait for one to end. */
    this.isHeld = false
    this.isDelivering = false
    /** Whether it is being committed. */
    this.isEnding = false
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
    this.goOn()
  }

  get isActive() {
    return this.state === STATE.ACTIVE
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
   */
  whileInactive(run) {
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
      this.attempt(() => {
        const { connection } = this.database
        this.view = new PinnedView(connection, { allowed: null, inTransaction: true })
      })
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

  /** Takes what the data is read and written through from now on. */
  use(view) {
    this.view = view
    this.issueSteps()
  }

  attempt(run) {
    try {
      run()
    } catch (error) {
      this.abort(exceptionOf(error))
    }
  }

  /* Requests */

  /**
   * Makes a request.
   *
   * @param {object} source
   * @param {(view: object) => unknown} perform asks the database; answers with the result, or a
   *   promise of it
   * @param {object} [options]
   * @param {boolean} [options.writes] whether it changes anything
   * @param {boolean} [options.holds] whether what follows has to wait until it has been answered
   * @returns {IDBRequest}
   */
  request(source, perform, options) {
    const request = new RequestState(source, this)
    const face = makeRequest(request)
    setParent(face, this.face)
    this.place(request, perform, options)
    return face
  }

  /** Makes a request that is there already. */
  place(request, perform, { writes = false, holds = false } = {}) {
    request.reset()
    this.requests.push(request)
    const settle = (result) => request.settle(result)
    const fail = (error) => request.fail(error)
    this.addStep({ perform, settle, fail, writes, holds })
  }

  /** Changes the schema; there is no request that tells of it. */
  change(perform) {
    this.place(new RequestState(null, this), perform, { writes: true, holds: true })
  }

  addStep(step) {
    this.steps.push(step)
    if (!this.isStarted) return
    if (this.view === null && this.steps.length === 1) this.acquire()
    this.issueSteps()
  }

  /** Asks the database for what it can be asked for. */
  issueSteps() {
    let count = 0
    for (const { steps } = this; count < steps.length && !this.isHeld; count++) {
      const step = steps[count]
      if (this.view === null || this.isFinished) break
      if (step.writes && !this.view.interactive) {
        this.view.close()
        this.view = null
        this.acquire()
        break
      }
      this.perform(step)
    }
    this.steps.splice(0, count)
  }

  perform({ perform, settle, fail, holds }) {
    let answer
    try {
      answer = perform(this.view)
    } catch (error) {
      fail(error)
      return
    }
    if (!(answer instanceof Promise)) {
      settle(answer)
      return
    }
    if (!holds) {
      answer.then(settle, fail)
      return
    }
    this.isHeld = true
    const release = (then) => (outcome) => {
      this.isHeld = false
      then(outcome)
      this.issueSteps()
      this.goOn()
    }
    answer.then(release(settle), release(fail))
  }

  /** A request has come to something. */
  requestSettled(request) {
    if (this.mode === 'readwrite') this.database.scheduler.reconsider()
    if (this.requests[0] === request) this.goOn()
  }

  /** Whether the database has answered everything that it was asked for. */
  get isAnswered() {
    return !this.isEnding && !this.isHeld && this.requests.every(({ isSettled }) => isSettled)
  }

  /** Does what is to be done next: tells of a request, or commits. */
  goOn() {
    if (this.isDelivering || this.isFinished) return
    if (this.requests.length > 0) {
      if (!this.requests[0].isSettled) return
      this.isDelivering = true
      queueTask((done) => this.deliver(done))
    } else if (this.isIdle) {
      void this.finishWork()
    }
  }

  /** Whether nothing is left to do, or may come. */
  get isIdle() {
    const isLeft = this.state === STATE.INACTIVE || this.state === STATE.COMMITTING
    return isLeft && this.isStarted && !this.isHeld && this.steps.length === 0 && !this.isEnding
  }

  /** Tells the program of requests. */
  deliver(done) {
    let request
    let count = 0
    for (const { requests } = this; count < requests.length && !this.isFinished;) {
      if (!requests[count].isSettled) break
      request = requests[count++]
      request.finish()
      if (request.failure !== null) break
      if (request.face !== null && isHeard(request.face, 'success')) break
      request = undefined
    }
    this.requests.splice(0, count)
    if (request === undefined) {
      this.isDelivering = false
      this.goOn()
      done()
      return
    }
    this.tell(request, done)
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
      this.goOn()
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
    const { view } = this
    try {
      if (view?.interactive) await view.session.commit()
      else view?.close()
    } catch (error) {
      if (!this.isFinished) this.abort(exceptionOf(error))
      return
    }
    if (this.isFinished) return
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
    this.steps = []
    const pending = this.requests
    this.requests = []
    this.database.transactionAborted(this)
    for (const request of pending) {
      request.abort(exception('AbortError', 'The transaction was aborted'))
      if (request.face !== null) queueTask((done) => fire(request.face, errorEvent(), done))
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
    const { view } = this
    if (view?.interactive) await view.session.abandon()
    else view?.close()
  }
}

module.exports = { STATE, TransactionState }
