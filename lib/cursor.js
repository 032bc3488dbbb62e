'use strict'

const { ChunkSource } = require('./chunk-source')
const { asyncDispose } = require('./dispose')
const { LodestoreError } = require('./errors')
const { pointOf } = require('./cursor-point')
const { compareKeys } = require('./key')
const { Pacer, nextTurn } = require('./pace')
const { RowChunk } = require('./row-chunk')

/**
 * A place among the rows of a store or index that moves in one direction.
 *
 * It begins before the first row. Outside of interactive transactions it reads one state of the
 * database; inside, it sees what the transaction has written.
 */
class Cursor {
  #target
  #source
  /** @type {RowChunk | null} */
  #chunk = null
  /** The current row, with its encoded keys. */
  #row = null
  #closed = false
  #moving = false
  /** How often the transaction had written when the chunk was read. */
  #writesSeen = 0
  #pacer = new Pacer()

  /**
   * @param {object} target
   * @param {object} target.scope
   * @param {import('./scan-plan').ScanPlan} target.plan
   * @param {import('./catalog').IndexDefinition | null} target.index
   * @param {string} target.direction
   * @param {(value: unknown, key: unknown) => Promise<unknown>} target.replace
   * @param {(key: unknown) => Promise<number>} target.remove
   */
  constructor(target) {
    this.#target = target
    this.#source = new ChunkSource(target.scope, target.plan)
  }

  /** 'next', 'nextunique', 'prev' or 'prevunique'. */
  get direction() {
    return this.#target.direction
  }

  /** The key of the current row: in an index the index key, in a store the primary key. */
  get key() {
    return this.#row?.key
  }

  /** The primary key of the current row. */
  get primaryKey() {
    return this.#row?.primaryKey
  }

  /** The document of the current row. */
  get value() {
    return this.#row?.value
  }

  /** Whether the cursor stands on a row. */
  get done() {
    return this.#row === null
  }

  /**
   * Moves to the next row.
   *
   * @returns {Promise<boolean>} false behind the last one
   */
  async next() {
    return this.#move(() => this.#advance())
  }

  /**
   * Moves to the first row, in the cursor's direction, at or behind a key (and, in an index, a
   * primary key). It may lie before the current row.
   *
   * @param {unknown} key in a compound index some of the first values, or with a primary key all
   * @param {unknown} [primaryKey]
   * @returns {Promise<boolean>} false if there is no such row
   */
  async seek(key, primaryKey) {
    this.#checkOpen()
    const point = pointOf(this.#target, key, primaryKey, false)
    return this.#move(async () => {
      await this.#begun()
      this.#chunk = null
      this.#writesSeen = this.#writes()
      this.#source.continueFrom(point)
      return this.#advance()
    })
  }

  /**
   * Replaces the document of the current row.
   *
   * @param {unknown} value of the same primary key
   * @returns {Promise<unknown>} the primary key
   */
  async update(value) {
    const { primaryKey } = this.#current('update')
    const { state } = this.#target.plan
    if (state.keyReader === null) return this.#target.replace(value, primaryKey)
    const key = state.keyReader.evaluate(value)
    if (key === undefined || compareKeys(key, primaryKey) !== 0) {
      throw new LodestoreError(
        'KEY_IMMUTABLE',
        `update: the document must keep its key at '${state.keyPath}'`,
        { store: state.name, key: primaryKey, path: String(state.keyPath) },
      )
    }
    return this.#target.replace(value, undefined)
  }

  /**
   * Deletes the document of the current row; the cursor stays where it is.
   *
   * @returns {Promise<boolean>} whether it was still there
   */
  async delete() {
    const { primaryKey } = this.#current('delete')
    return (await this.#target.remove(primaryKey)) > 0
  }

  /** Lets go of what the cursor holds. Idempotent. */
  async close() {
    this.#closed = true
    this.#row = null
    this.#chunk = null
    this.#source.close()
  }

  async [asyncDispose]() {
    await this.close()
  }

  /** Moves from row to row, yields the cursor itself, and closes it at the end. */
  async *[Symbol.asyncIterator]() {
    try {
      while (await this.next()) yield this
    } finally {
      await this.close()
    }
  }

  #current(method) {
    this.#checkOpen()
    if (this.#row !== null) return this.#row
    throw new LodestoreError('NOT_FOUND', `${method}: the cursor does not stand on a row`)
  }

  #checkOpen() {
    if (this.#closed) throw new LodestoreError('CLOSED', 'The cursor is closed')
  }

  async #move(step) {
    this.#checkOpen()
    this.#target.scope.checkOpen()
    if (this.#moving) {
      throw new LodestoreError(
        'INVALID_ARGUMENT',
        'The cursor is moving; await its last move first',
      )
    }
    this.#moving = true
    try {
      return await step()
    } finally {
      this.#moving = false
      if (this.#closed) this.#source.close()
    }
  }

  /** Steps to the next row, reading a chunk if need be. */
  async #advance() {
    await this.#begun()
    this.#forgetStaleRows()
    while (this.#chunk === null || this.#chunk.left === 0) {
      this.#writesSeen = this.#writes()
      const chunk = await this.#source.next()
      this.#checkOpen()
      if (chunk === null) {
        this.#chunk = null
        this.#row = null
        return false
      }
      this.#chunk = chunk
    }
    if (this.#pacer.isDue()) {
      await nextTurn()
      this.#checkOpen()
      this.#target.scope.checkOpen()
    }
    this.#row = this.#chunk.nextEntry()
    return true
  }

  /** Reads the first chunk, once; outside of transactions this also fixes the state. */
  async #begun() {
    if (this.#chunk !== null || this.#source.begun) return
    const first = this.#source.first()
    if (!(first instanceof RowChunk)) {
      this.#writesSeen = this.#writes()
      this.#chunk = await first
      this.#checkOpen()
      return
    }
    first.detach()
    this.#chunk = this.#source.pin(this, true)?.detach() ?? first
  }

  #writes() {
    const { scope } = this.#target
    return scope.interactive ? scope.session.writes : 0
  }

  /** Drops rows that were read before the transaction wrote again. */
  #forgetStaleRows() {
    const { scope } = this.#target
    if (!scope.interactive || scope.session.writes === this.#writesSeen || this.#row === null)
      return
    const { key, primaryKey } = this.#row
    this.#chunk = null
    this.#source.continueFrom(pointOf(this.#target, key, primaryKey, true))
  }
}

module.exports = { Cursor }
