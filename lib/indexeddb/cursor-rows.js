'use strict'

const { Promise } = require('../globals')
const { ChunkSource } = require('../chunk-source')
const { pointOf } = require('../cursor-point')
const { rangeFrom } = require('../range')
const { SCAN } = require('../read-request')
const { RowChunk } = require('../row-chunk')
const { ScanPlan } = require('../scan-plan')
const { compare } = require('./keys')
const { orderOf } = require('./reads')

/** Rows of the first chunk inside a transaction that writes; each next one has twice as many. */
const FIRST_ROWS = 8
/** How far a cursor looks among the rows that it has for a key that it is to go on to. */
const NEAR = 16

/**
 * The rows that a cursor moves over, read in chunks. Those of a transaction that has written since
 * are read again.
 */
class CursorRows {
  #origin
  #range
  #flags
  /** What the rows are read through. */
  #view = null
  /** @type {ChunkSource | null} */
  #chunks = null
  /** @type {RowChunk | null} */
  #chunk = null
  /** How often the transaction had written when the chunk was read. */
  #writesSeen = 0
  /** The row that was read last. */
  #row = null

  /**
   * @param {import('./reads').Origin} origin
   * @param {import('../range').Range} range
   * @param {string} direction
   * @param {boolean} hasValues
   */
  constructor(origin, range, direction, hasValues) {
    this.#origin = origin
    this.#range = range
    this.#flags = SCAN.KEYS | orderOf(direction, origin.index)
    if (origin.index !== null) this.#flags |= SCAN.PRIMARY_KEYS
    if (hasValues) this.#flags |= SCAN.VALUES
  }

  /**
   * The row that is so many behind the last one.
   *
   * @param {object} view
   * @param {number} count
   * @returns {object | null | Promise<object | null>} null behind the end
   */
  advance(view, count) {
    let row = null
    for (let left = count; left > 0; left--) {
      row = this.#next(view)
      if (row instanceof Promise) return left === 1 ? row : this.#advanceSlowly(view, row, left)
      if (row === null) return null
    }
    return row
  }

  async #advanceSlowly(view, first, count) {
    let row = await first
    for (let left = count - 1; left > 0 && row !== null; left--) row = await this.#next(view)
    return row
  }

  /**
   * The first row, in the cursor's direction, at or behind a key, which lies ahead.
   *
   * @param {object} view
   * @param {unknown} key
   * @param {unknown} primaryKey undefined for any
   * @returns {object | null | Promise<object | null>}
   */
  seek(view, key, primaryKey) {
    this.#refresh(view)
    for (let i = 0; i < NEAR && this.#chunk !== null && this.#chunk.left > 0; i++) {
      const row = this.#take()
      if (this.#isReached(row, key, primaryKey)) return row
    }
    const isReverse = (this.#flags & SCAN.REVERSE) !== 0
    this.#begin(view, rangeFrom(this.#range, key, isReverse, this.#origin.index !== null))
    const point = this.#pointOf(key, primaryKey)
    if (point !== null) this.#chunks.continueFrom(point)
    return this.#next(view)
  }

  #isReached(row, key, primaryKey) {
    const sign = (this.#flags & SCAN.REVERSE) === 0 ? 1 : -1
    const order = compare(row.key, key) * sign
    if (order !== 0 || primaryKey === undefined) return order >= 0
    return compare(row.primaryKey, primaryKey) * sign >= 0
  }

  /** The place of an entry; null if there can be none with the key. */
  #pointOf(key, primaryKey) {
    const { index } = this.#origin
    if (primaryKey === undefined) return null
    const isCompound = Array.isArray(index.keyPath)
    if (isCompound && !(Array.isArray(key) && key.length === index.keyPath.length)) return null
    return pointOf({ plan: this.#chunks.plan, index }, key, primaryKey, false)
  }

  #next(view) {
    this.#refresh(view)
    if (this.#chunk !== null && this.#chunk.left > 0) return this.#take()
    if (this.#chunk !== null && this.#chunks.ended) return (this.#row = null)
    return this.#read()
  }

  #take() {
    return (this.#row = this.#chunk.nextEntry())
  }

  #read() {
    const chunks = this.#chunks
    const chunk = chunks.begun ? chunks.next() : chunks.first()
    if (chunk instanceof RowChunk) return this.#took(chunk.detach())
    return chunk.then((read) => this.#took(read))
  }

  #took(chunk) {
    this.#chunk = chunk
    if (chunk !== null && chunk.left > 0) return this.#take()
    if (chunk === null || this.#chunks.ended) return (this.#row = null)
    return this.#read()
  }

  /** Reads again what may have changed. */
  #refresh(view) {
    if (this.#chunks === null) {
      this.#begin(view, this.#range)
    } else if (view !== this.#view || this.#writesOf(view) !== this.#writesSeen) {
      const row = this.#row
      this.#begin(view, this.#range)
      if (row === null) return
      const target = { plan: this.#chunks.plan, index: this.#origin.index }
      this.#chunks.continueFrom(pointOf(target, row.key, row.primaryKey, true))
    }
  }

  #begin(view, range) {
    const { store, index } = this.#origin
    const plan = new ScanPlan(store.state, index === null ? 0 : index.id, this.#flags, range)
    this.#view = view
    this.#chunk = null
    this.#chunks = new ChunkSource(view, plan)
    if (view.interactive) this.#chunks.rows = FIRST_ROWS
    this.#writesSeen = this.#writesOf(view)
  }

  #writesOf(view) {
    return view.interactive ? view.session.writes : 0
  }

  /** The transaction writes the current row, which changes none that follow in the store. */
  writesCurrentRow(view) {
    if (this.#origin.index === null && view === this.#view) this.#writesSeen++
  }
}

module.exports = { CursorRows }
