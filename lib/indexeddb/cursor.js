'use strict'

const { OP } = require('../operations')
const { rangeOfKey } = require('../range')
const { exception } = require('./exceptions')
const { CursorRows } = require('./cursor-rows')
const { compare, toKey } = require('./keys')
const { setParent } = require('./event-target')
const { makeRequest } = require('./request')
const { RequestState } = require('./request-state')
const { packDelete, packPut, sendDelete, sendPut } = require('./writes')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toUnsignedLong,
} = require('./web-idl')

/** Where a cursor stands. */
class CursorState {
  constructor(source, range, direction, hasValues) {
    this.source = source
    this.direction = direction
    this.hasValues = hasValues
    this.rows = new CursorRows(source.origin, range, direction, hasValues)
    this.request = null
    this.face = null
    /** The current row; null while it moves, and behind the end. */
    this.row = null
    /** The last row. */
    this.shown = null
  }

  get transaction() {
    return this.source.transaction
  }

  get isForward() {
    return this.direction.startsWith('next')
  }

  /** Shows the row that it has moved to. */
  present(row) {
    this.row = row
    this.shown = row
    if (row === null) return null
    this.face ??= this.hasValues
      ? new IDBCursorWithValue(INTERNAL, this)
      : new IDBCursor(INTERNAL, this)
    return this.face
  }

  /** Moves on. @throws {DOMException} TransactionInactiveError */
  move(perform) {
    this.transaction.checkActive()
    this.row = null
    this.transaction.place(this.request, perform, { scans: true })
  }

  /** @throws {DOMException} TransactionInactiveError, InvalidStateError */
  checkUsable() {
    const { transaction, origin } = this.source
    transaction.checkActive()
    if (origin.store.isDeleted || origin.index?.isDeleted) {
      throw exception('InvalidStateError', 'What the cursor moves over has been deleted')
    }
  }

  /** @throws {DOMException} InvalidStateError */
  checkOnRow() {
    if (this.row !== null) return
    throw exception('InvalidStateError', 'The cursor is moving, or behind the last record')
  }

  /** @throws {DOMException} DataError unless a key lies ahead */
  checkAhead(key, primaryKey) {
    const sign = this.isForward ? 1 : -1
    let order = compare(key, this.row.key) * sign
    if (order === 0 && primaryKey !== undefined) {
      order = compare(primaryKey, this.row.primaryKey) * sign
    }
    if (order > 0) return
    throw exception('DataError', 'The key does not lie ahead of the cursor')
  }

  /** @throws {DOMException} as the checks above, and ReadOnlyError */
  checkWritable() {
    const { transaction } = this
    transaction.checkActive()
    if (transaction.mode === 'readonly') {
      throw exception('ReadOnlyError', 'The transaction is read-only')
    }
    this.checkUsable()
    this.checkOnRow()
    if (!this.hasValues) throw exception('InvalidStateError', 'The cursor reads no values')
  }

  /** Writes the current record. */
  write(perform, holds) {
    return this.transaction.request(
      this.face,
      (level) => {
        const answer = perform(level)
        this.rows.writesCurrentRow(level)
        return answer
      },
      { writes: true, holds },
    )
  }
}

/** Moves over the records of a store or index, without their values. */
class IDBCursor {
  #state

  constructor() {
    checkInternal(arguments[0], 'IDBCursor')
    this.#state = arguments[1]
  }

  /** The IDBObjectStore or IDBIndex that it moves over. */
  get source() {
    return this.#state.source.face
  }

  /** 'next', 'nextunique', 'prev' or 'prevunique'. */
  get direction() {
    return this.#state.direction
  }

  /** The key of the current record: in an index, the index key. */
  get key() {
    return this.#state.shown?.key
  }

  /** The key of the current record in the store. */
  get primaryKey() {
    return this.#state.shown?.primaryKey
  }

  /** The request that is told of each move. */
  get request() {
    return this.#state.request.face
  }

  /** Moves on by so many records. */
  advance(count) {
    requireArguments(arguments, 1, 'advance')
    const steps = toUnsignedLong(count, 'advance: count')
    if (steps === 0) throw new TypeError('advance: count must be greater than 0')
    const state = this.#state
    state.checkUsable()
    state.checkOnRow()
    state.move((view) => state.rows.advance(view, steps))
  }

  /** Moves on to the next record, or to the first at or behind a key. */
  continue(key = undefined) {
    const state = this.#state
    state.checkUsable()
    state.checkOnRow()
    if (key === undefined) {
      state.move((view) => state.rows.advance(view, 1))
      return
    }
    const wanted = toKey(key)
    // Accessors of the key may have moved it.
    state.checkOnRow()
    state.checkAhead(wanted, undefined)
    state.move((view) => state.rows.seek(view, wanted, undefined))
  }

  /** Moves on to the first record at or behind an index key and a primary key. */
  continuePrimaryKey(key, primaryKey) {
    requireArguments(arguments, 2, 'continuePrimaryKey')
    const state = this.#state
    state.checkUsable()
    if (state.source.origin.index === null || state.direction.endsWith('unique')) {
      const message = 'Only a cursor of an index that visits all records goes to a primary key'
      throw exception('InvalidAccessError', message)
    }
    state.checkOnRow()
    const wanted = toKey(key)
    const wantedPrimary = toKey(primaryKey)
    state.checkOnRow()
    state.checkAhead(wanted, wantedPrimary)
    state.move((view) => state.rows.seek(view, wanted, wantedPrimary))
  }

  /** Replaces the value of the current record. */
  update(value) {
    requireArguments(arguments, 1, 'update')
    const state = this.#state
    state.checkWritable()
    const { store } = state.source.origin
    const { primaryKey } = state.row
    const given = store.keyPath === null ? primaryKey : undefined
    const packed = state.transaction.whileInactive(() => packPut(OP.PUT, store, value, given))
    if (packed.key === undefined || compare(packed.key, primaryKey) !== 0) {
      throw exception('DataError', 'The value must keep its key')
    }
    const holds = packed.completed !== null
    const { transaction } = state
    return state.write((level) => sendPut(level, store, packed, transaction), holds)
  }

  /** Deletes the current record. */
  delete() {
    const state = this.#state
    state.checkWritable()
    const { store } = state.source.origin
    const { primaryKey } = state.row
    const bytes = packDelete(rangeOfKey(primaryKey, false))
    const { transaction } = state
    return state.write((level) => sendDelete(level, store, bytes, transaction), false)
  }
}
defineInterface(IDBCursor)

/** Moves over the records of a store or index. */
class IDBCursorWithValue extends IDBCursor {
  #state

  constructor() {
    checkInternal(arguments[0], 'IDBCursorWithValue')
    super(...arguments)
    this.#state = arguments[1]
  }

  /** The value of the current record. */
  get value() {
    return this.#state.shown?.value
  }
}
defineInterface(IDBCursorWithValue)

/**
 * Opens a cursor.
 *
 * @param {import('./read-methods').Source} source
 * @returns {IDBRequest}
 */
function openCursor(source, range, direction, hasValues) {
  const { transaction, face } = source
  const state = new CursorState(source, range, direction, hasValues)
  const request = new RequestState(face, transaction)
  request.present = (row) => state.present(row)
  state.request = request
  const requestFace = makeRequest(request)
  setParent(requestFace, transaction.face)
  state.move((view) => state.rows.advance(view, 1))
  return requestFace
}

module.exports = { IDBCursor, IDBCursorWithValue, openCursor }
