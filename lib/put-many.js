'use strict'

const { collectBlobs } = require('./codec')
const { LodestoreError } = require('./errors')
const { decodeKey } = require('./key')
const { NO_LENGTH, OP } = require('./operations')
const { Pacer, nextTurn } = require('./pace')
const { FROM_RESULT, appendPut } = require('./put')
const { readBlobs } = require('./blobs')
const { sampleShapes, SAMPLE_SIZE } = require('./sampling')
const { ATOMIC_SLICE, SLICE, Slice } = require('./slice')

/** Slices of one call that may be under way at once. */
const MOST_UNDER_WAY = 3

/**
 * Writes many documents, a slice at a time: memory stays bounded whatever the number.
 *
 * @param {object} target
 * @param {object} target.scope
 * @param {import('./store-state').StoreState} target.state
 * @param {Iterable<unknown> | AsyncIterable<unknown>} documents
 * @param {{ entries: boolean }} options whether items are pairs of a key and a document
 * @returns {Promise<{ keys: unknown[], errors: { at: number, code: string, message: string }[] }>}
 */
async function putEach(target, documents, options) {
  const work = new PutMany(target, documents, options.entries, false)
  while (!work.exhausted) {
    await work.fillSlice(target.scope.current().writes())
    await work.sendSlice()
  }
  await work.settleAll()
  return { keys: work.keys, errors: work.errors.toSorted((a, b) => a.at - b.at) }
}

/**
 * Writes many documents or, on any failure, none. What fits into one slice is one operation of the
 * native library; more take an interactive transaction, or a savepoint inside one.
 *
 * @param {object} target as for `putEach`
 * @param {Iterable<unknown> | AsyncIterable<unknown>} documents
 * @param {{ entries: boolean }} options
 * @param {(run: (scope: object) => Promise<void>) => Promise<void>} inTransaction
 * @returns {Promise<unknown[]>} the keys
 */
async function putAll(target, documents, options, inTransaction) {
  const work = new PutMany(target, documents, options.entries, true)
  await work.fillSlice(target.scope.current().writes())
  if (work.exhausted) {
    await work.sendSlice()
    await work.settleAll()
    return work.keys
  }
  try {
    await inTransaction(async (scope) => {
      work.moveTo(scope.writes())
      await work.sendSlice()
      while (!work.exhausted) {
        await work.fillSlice(scope.current().writes())
        await work.sendSlice()
      }
      await work.settleAll()
    })
  } catch (error) {
    await work.abandon()
    throw error
  }
  return work.keys
}

/** The state of one call that writes many documents. */
class PutMany {
  constructor({ scope, state }, documents, entries, atomic) {
    this.state = state
    this.entries = entries
    this.atomic = atomic
    this.source = iteratorOf(documents)
    this.pacer = new Pacer()
    /** Items that were looked at to learn their shapes, and where the next one stands. */
    this.ahead = []
    this.aheadAt = 0
    /** Registering shapes is a write of its own, which would wait for a transaction to end. */
    this.sampled = scope.interactive
    this.exhausted = false
    /** How many items were taken. */
    this.taken = 0
    this.keys = []
    this.errors = []
    this.slice = null
    /** The positions among all items of the operations in the slice. */
    this.places = []
    /** @type {{ slice: Slice, places: number[] }[]} */
    this.underWay = []
  }

  /** The next item, or undefined at the end, when `exhausted` is set. */
  async take() {
    if (this.aheadAt < this.ahead.length) return this.ahead[this.aheadAt++]
    const { done, value } = await this.source.next()
    if (done) this.exhausted = true
    return value
  }

  /** Looks at the first items to register their shapes before they are written. */
  async sample() {
    this.sampled = true
    const ahead = []
    while (ahead.length < SAMPLE_SIZE) {
      if (this.pacer.isDue()) await nextTurn()
      const step = this.source.next()
      const { done, value } = this.source.isAsync ? await step : step
      if (done) break
      ahead.push(value)
    }
    this.ahead = ahead
    const documents = this.entries ? ahead.map((entry) => entry?.[1]) : ahead
    await sampleShapes(this.state, documents)
  }

  /** Encodes items until the slice is full or there are no more. */
  async fillSlice(queue) {
    if (!this.sampled) await this.sample()
    const size = this.atomic && this.taken === 0 ? ATOMIC_SLICE : SLICE
    this.slice = new Slice(queue, this.atomic, size)
    this.places = []
    try {
      for (;;) {
        if (this.pacer.isDue()) await nextTurn()
        const item = this.takeNow()
        const value = item === LATER ? await this.take() : item
        if (this.exhausted) return
        if (this.slice.isFull) {
          this.ahead = [value, ...this.ahead.slice(this.aheadAt)]
          this.aheadAt = 0
          return
        }
        const blobs = this.encode(value)
        if (blobs !== null) await this.encodeWithBlobs(value, blobs)
      }
    } catch (error) {
      if (!this.exhausted) await this.source.return?.()
      await this.abandon()
      throw error
    }
  }

  /** The next item, or LATER if it must be waited for. */
  takeNow() {
    if (this.aheadAt < this.ahead.length) return this.ahead[this.aheadAt++]
    if (this.source.isAsync) return LATER
    const { done, value } = this.source.next()
    if (done) this.exhausted = true
    return value
  }

  /**
   * Appends one item to the slice.
   *
   * @returns {Blob[] | null} blobs that must be read first; then nothing was appended
   */
  encode(item, bytes = null) {
    const at = this.taken
    try {
      const [key, document] = this.entries ? pairOf(item) : [undefined, item]
      this.keys[at] = appendPut(this.slice, OP.PUT, this.state, document, key, bytes)
      this.places.push(at)
    } catch (error) {
      if (bytes === null && error?.code === 'DATA_CLONE') {
        const blobs = collectBlobs(item)
        if (blobs.length > 0) return blobs
      }
      this.failed(at, error)
    }
    this.taken++
    return null
  }

  async encodeWithBlobs(item, blobs) {
    let bytes
    try {
      bytes = await readBlobs(blobs)
    } catch (error) {
      this.failed(this.taken++, error)
      return
    }
    this.encode(item, bytes)
  }

  /** One item could not be written. */
  failed(at, error) {
    if (this.atomic || !(error instanceof LodestoreError)) {
      if (error instanceof LodestoreError) error.at = at
      throw error
    }
    this.keys[at] = undefined
    this.errors.push({ at, code: error.code, message: error.message })
  }

  /** Sends the slice; waits until few enough are under way. */
  async sendSlice() {
    if (this.slice.length > 0) {
      const { slice, places } = this
      slice.send()
      this.underWay.push({ slice, places })
      if (this.state.shapes.hasCandidates) this.state.registerCandidates()
    }
    while (this.underWay.length >= MOST_UNDER_WAY) await this.settleOne()
  }

  /** Has the slice that was encoded last go another way. */
  moveTo(queue) {
    this.slice.queue = queue
    this.slice.batch.queue = queue
  }

  async settleAll() {
    while (this.underWay.length > 0) await this.settleOne()
  }

  /** Waits for the oldest slice and takes its results. */
  async settleOne() {
    const { slice, places } = this.underWay.shift()
    await slice.batch.settled
    if (this.atomic) this.takeGroup(slice, places)
    else this.takeEach(slice, places)
  }

  takeGroup({ batch }, places) {
    let payload
    try {
      payload = batch.result(0)
    } catch (error) {
      if (error instanceof LodestoreError && error.at !== undefined) error.at = places[error.at]
      throw error
    }
    if (payload === undefined) return
    let position = 0
    for (const at of places) {
      const length = payload.readUInt32LE(position)
      position += 4
      if (length === NO_LENGTH) continue
      this.takeKey(at, payload.subarray(position, position + length))
      position += length
    }
  }

  takeEach({ batch }, places) {
    for (const [i, at] of places.entries()) {
      try {
        this.takeKey(at, batch.result(i))
      } catch (error) {
        this.failed(at, error)
      }
    }
  }

  takeKey(at, bytes) {
    if (this.keys[at] === FROM_RESULT) this.keys[at] = decodeKey(bytes)
  }

  /** After a failure: waits for what is under way, whose outcome no longer matters. */
  async abandon() {
    const { underWay } = this
    this.underWay = []
    for (const { slice } of underWay) await slice.batch.settled
  }
}

/** Stands for an item that must be waited for. */
const LATER = Symbol('later')

function pairOf(item) {
  if (Array.isArray(item) && item.length === 2) return item
  throw new LodestoreError(
    'INVALID_ARGUMENT',
    'putMany: with { entries: true } each item is an array of a key and a document',
    { path: 'documents' },
  )
}

/** An iterator over documents, and whether its steps must be awaited. */
function iteratorOf(documents) {
  const isAsync = typeof documents[Symbol.asyncIterator] === 'function'
  const iterator = isAsync ? documents[Symbol.asyncIterator]() : documents[Symbol.iterator]()
  return {
    isAsync,
    next: () => iterator.next(),
    return: () => iterator.return?.(),
  }
}

module.exports = { putEach, putAll }
