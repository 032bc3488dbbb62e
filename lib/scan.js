'use strict'

const { Promise } = require('./globals')
const { ChunkSource, collect } = require('./chunk-source')
const { Pacer, nextTurn } = require('./pace')
const { RowChunk } = require('./row-chunk')
const { SCAN } = require('./read-request')
const { asyncDispose } = require('./dispose')

/**
 * What a scan yields for each row.
 *
 * @typedef {object} Selection
 * @property {number} store flags that ask for it in a store
 * @property {number} index flags that ask for it in an index
 * @property {(chunk: RowChunk) => unknown} read
 */

/** @type {Selection} documents */
const VALUES = {
  store: SCAN.VALUES,
  index: SCAN.VALUES,
  read: (chunk) => chunk.nextValue(),
}

/** @type {Selection} primary keys */
const KEYS = {
  store: SCAN.KEYS,
  index: SCAN.PRIMARY_KEYS,
  read: (chunk) => chunk.nextKey(),
}

/** @type {Selection} keys, primary keys and documents */
const ENTRIES = {
  store: SCAN.KEYS | SCAN.VALUES,
  index: SCAN.KEYS | SCAN.PRIMARY_KEYS | SCAN.VALUES,
  read(chunk) {
    const { key, primaryKey, value } = chunk.nextEntry()
    return { key, primaryKey, value }
  },
}

/**
 * Documents in the order of a store or index. Nothing is read before it is iterated; each iteration
 * reads anew, in one state of the database.
 */
class Scan {
  #begin
  #selection
  #isEmpty

  /**
   * @param {(selection: Selection) => object} begin plans the read: `{ scope, plan }`
   * @param {Selection} selection
   * @param {boolean} isEmpty whether the limit is 0
   */
  constructor(begin, selection, isEmpty) {
    this.#begin = begin
    this.#selection = selection
    this.#isEmpty = isEmpty
  }

  /** The same rows, as primary keys. */
  keys() {
    return new Scan(this.#begin, KEYS, this.#isEmpty)
  }

  /** The same rows, as `{ key, primaryKey, value }`. */
  entries() {
    return new Scan(this.#begin, ENTRIES, this.#isEmpty)
  }

  /** All rows in an array. */
  async toArray() {
    const { scope, plan } = this.#begin(this.#selection)
    if (this.#isEmpty) return []
    return collect(scope, plan, this.#selection.read)
  }

  [Symbol.asyncIterator]() {
    const { scope, plan } = this.#begin(this.#selection)
    return new ScanIterator(new ChunkSource(scope, plan), this.#selection.read, this.#isEmpty)
  }
}

/** Iterates over a scan. While one chunk is consumed, at most one more is read ahead. */
class ScanIterator {
  #source
  #read
  /** @type {RowChunk | null} */
  #chunk = null
  /** The chunk after it, if it is being read. */
  #ahead = null
  /** Steps that wait for a chunk, and the end of the last one; later steps go behind it. */
  #waiting = 0
  #last = Promise.resolve()
  #finished
  #pacer = new Pacer()

  constructor(source, read, isEmpty) {
    this.#source = source
    this.#read = read
    this.#finished = isEmpty
    source.ownedBy(this)
  }

  async next() {
    const chunk = this.#chunk
    if (this.#waiting === 0 && chunk !== null && chunk.left > 0) {
      if (!this.#pacer.isDue()) return { value: this.#row(chunk), done: false }
      return this.#behind(() => this.#stepNextTurn())
    }
    return this.#behind(() => this.#step())
  }

  async return(value) {
    // What only reads ahead need not end by itself.
    if (this.#waiting === 0) this.#source.cancel()
    return this.#behind(async () => {
      this.#finished = true
      const ahead = this.#ahead
      if (ahead !== null) await ahead.then(nothing, nothing)
      this.#finish()
      return { value, done: true }
    })
  }

  async throw(error) {
    await this.return()
    throw error
  }

  async [asyncDispose]() {
    await this.return()
  }

  [Symbol.asyncIterator]() {
    return this
  }

  #row(chunk) {
    try {
      this.#source.checkOpen()
      return this.#read(chunk)
    } catch (error) {
      this.#finish()
      throw error
    }
  }

  /** Does something when the steps before it are done. */
  #behind(step) {
    this.#waiting++
    const result = this.#last.then(step)
    const settled = () => {
      this.#waiting--
    }
    this.#last = result.then(settled, settled)
    return result
  }

  async #stepNextTurn() {
    await nextTurn()
    return this.#step()
  }

  async #step() {
    for (;;) {
      if (this.#finished) return { value: undefined, done: true }
      const chunk = this.#chunk
      if (chunk !== null && chunk.left > 0) return { value: this.#row(chunk), done: false }
      if (chunk !== null && this.#source.ended && this.#ahead === null) this.#finish()
      else await this.#load()
    }
  }

  #finish() {
    this.#finished = true
    this.#chunk = null
    this.#ahead = null
    this.#source.close()
  }

  async #load() {
    try {
      const chunk = this.#chunk === null ? await this.#first() : await this.#following()
      if (chunk === null) this.#finish()
      else this.#chunk = chunk
    } catch (error) {
      this.#finish()
      throw error
    }
  }

  #first() {
    const first = this.#source.first()
    if (!(first instanceof RowChunk)) return first
    first.detach()
    return this.#source.pin(this)?.detach() ?? first
  }

  async #following() {
    const source = this.#source
    const chunk = await (this.#ahead ?? source.next())
    this.#ahead = null
    if (!source.ended && !source.scope.interactive) {
      this.#ahead = source.next()
      // A failure is reported when the chunk's turn comes.
      this.#ahead.catch(nothing)
    }
    return chunk
  }
}

function nothing() {}

module.exports = { Scan, ScanIterator, VALUES, KEYS, ENTRIES }
