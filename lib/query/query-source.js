'use strict'

const { Promise } = require('../globals')
const { aborted } = require('../call')
const { ChunkSource } = require('../chunk-source')
const { askNow } = require('../reads')
const { writeEnd } = require('./request')

/** Documents and entries that are examined on this thread; then the query goes on off it. */
const INLINE_BUDGET = 1000
/** Those that are examined at once inside an interactive transaction, where others wait. */
const TRANSACTION_BUDGET = 20_000

/** Ends the queries that nobody finished. */
const leaked = new FinalizationRegistry((held) => end(held, 0))

/**
 * The rows of a query, a chunk at a time. In the native library the query is an execution that goes
 * on from chunk to chunk, until it is done or ended.
 */
class QuerySource extends ChunkSource {
  #held
  #owner = this
  #budget = INLINE_BUDGET
  #signal
  #closed = false

  /**
   * @param {object} scope
   * @param {import('./query-plan').QueryPlan} plan
   * @param {AbortSignal} [signal]
   */
  constructor(scope, plan, signal) {
    super(scope, plan)
    this.#signal = signal
    this.#held = { connection: scope.connection, execution: null }
  }

  /** @throws {LodestoreError} ABORTED, and as the scope does */
  checkOpen() {
    if (this.#signal?.aborted) throw aborted(this.#signal)
    super.checkOpen()
  }

  first() {
    if (this.#signal?.aborted) throw aborted(this.#signal)
    const { scope, plan } = this
    // Inside a transaction it is asked in order with writes, which do not wait for it.
    if (scope.interactive) plan.encodeNow()
    if (plan.isShort || scope.interactive) return super.first()
    scope.connection.checkOpen()
    this.begun = true
    if (scope.snapshot === 0) this.hold(this.#owner)
    return this.next()
  }

  firstOf(view) {
    this.#budget = INLINE_BUDGET
    return super.firstOf(view)
  }

  async next() {
    if (this.ended) return null
    const signal = this.#signal
    if (signal?.aborted) throw aborted(signal)
    if (this.plan.isPending) await this.plan.encode(() => this.checkOpen())
    if (this.ended) return null
    this.#budget = this.scope.interactive ? TRANSACTION_BUDGET : 0
    return signal === undefined ? super.next() : this.#nextUnless(signal)
  }

  /** The next rows; an abort does not wait until the thread notices that is at them. */
  #nextUnless(signal) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.cancel()
        reject(aborted(signal))
      }
      signal.addEventListener('abort', stop, { once: true })
      super
        .next()
        .finally(() => signal.removeEventListener('abort', stop))
        .then(resolve, reject)
    })
  }

  write(writer, rows, bytes) {
    this.plan.write(writer, { rows, bytes, budget: this.#budget }, this.resume)
  }

  took(chunk) {
    super.took(chunk)
    if (this.ended) this.resume = null
    this.#held.execution = this.resume
    // It was begun when nobody wanted it any more.
    if (this.#closed) this.cancel()
    return chunk
  }

  ownedBy(owner) {
    this.#owner = owner
    leaked.register(owner, this.#held, this)
  }

  again(view) {
    this.cancel()
    return super.again(view)
  }

  /** Ends the query, also where another thread is at it: what waits for it gets ABORTED. */
  cancel() {
    end(this.#held, this.pinned || this.scope.snapshot)
    this.#held.execution = null
  }

  close() {
    leaked.unregister(this)
    this.#closed = true
    this.cancel()
    super.close()
  }
}

/** Ends a query; a snapshot that is held saves the turn from holding its state. */
function end({ connection, execution }, snapshot) {
  if (execution === null || connection.closed) return
  const { memory } = connection
  try {
    askNow({ memory, snapshot }, (writer) => writeEnd(writer, execution))
  } catch {
    // The snapshot has expired or was closed. What cannot be read at all has no queries to end.
    if (snapshot !== 0) end({ connection, execution }, 0)
  }
}

module.exports = { QuerySource }
