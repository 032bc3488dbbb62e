'use strict'

const { isDate } = require('node:util').types
const { bytesOf } = require('../key/binary')
const { exception } = require('./exceptions')
const { boundsOf, toRange } = require('./key-range')
const { KEYS, RECORDS, VALUES, countRecords, readAll, readKey, readValue } = require('./reads')
const { openCursor } = require('./cursor')
const { privateField } = require('./stamp')
const { requireArguments, toDictionary, toEnum, toUnsignedLong } = require('./web-idl')

const DIRECTIONS = ['next', 'nextunique', 'prev', 'prevunique']

/**
 * What a store or index is as the source of requests.
 *
 * @typedef {object} Source
 * @property {object} face the IDBObjectStore or IDBIndex
 * @property {import('./transaction-state').TransactionState} transaction
 * @property {import('./reads').Origin} origin
 */

/** @param {Source} source @throws {DOMException} InvalidStateError, TransactionInactiveError */
function checkUsable({ transaction, origin }) {
  const { store, index } = origin
  if (store.isDeleted || index?.isDeleted) {
    const what = index === null ? 'object store' : 'index'
    throw exception('InvalidStateError', `The ${what} has been deleted`)
  }
  transaction.checkActive()
}

function readMany(source, selection, queryOrOptions, given, method) {
  let query = queryOrOptions
  let limit = given
  let direction = 'next'
  if (selection === RECORDS || isOptions(queryOrOptions)) {
    ;({
      count: limit,
      direction = 'next',
      query,
    } = toDictionary(queryOrOptions, `${method}: options`))
  }
  const order = toEnum(direction, DIRECTIONS, `${method}: direction`)
  const most = limit === undefined ? 0 : toUnsignedLong(limit, `${method}: count`)
  const read = (view, origin, range) => readAll(view, origin, selection, range, most, order)
  return ask(source, query, true, read, true)
}

/** Whether an argument is a dictionary, rather than what may be a key or a range of keys. */
function isOptions(value) {
  if (typeof value !== 'object' || value === null) return false
  if (boundsOf(value) !== null || Array.isArray(value) || isDate(value)) return false
  return bytesOf(value) === undefined && !ArrayBuffer.isView(value) && !isBuffer(value)
}

function isBuffer(value) {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer
}

function cursor(source, query, direction, hasValues) {
  const order = toEnum(direction ?? 'next', DIRECTIONS, 'direction')
  checkUsable(source)
  const range = rangeOf(source, query, true)
  return openCursor(source, range, order, hasValues)
}

function rangeOf({ origin }, query, allowsNothing) {
  return toRange(query, origin.index !== null, allowsNothing)
}

/** Asks for what one function reads of a range. */
function ask(source, query, allowsNothing, read, scans) {
  checkUsable(source)
  const range = rangeOf(source, query, allowsNothing)
  const perform = (view) => read(view, source.origin, range)
  return source.transaction.request(source.face, perform, { scans })
}

/** What each store and index is, as the source of requests. */
const sources = privateField()

/** @returns {Source} @throws {TypeError} */
function sourceOf(face) {
  const source = sources.get(face)
  if (source === undefined) throw new TypeError('Illegal invocation')
  return source
}

/* What stores and indexes have in common. */
const methods = {
  /** The first value of a range of keys. */
  get(query) {
    const source = sourceOf(this)
    requireArguments(arguments, 1, 'get')
    return ask(source, query, false, readValue, true)
  },

  /** The first primary key of a range. */
  getKey(query) {
    const source = sourceOf(this)
    requireArguments(arguments, 1, 'getKey')
    return ask(source, query, false, readKey, false)
  },

  /** The values of a range of keys. */
  getAll(queryOrOptions = undefined, count = undefined) {
    return readMany(sourceOf(this), VALUES, queryOrOptions, count, 'getAll')
  },

  /** The primary keys of a range. */
  getAllKeys(queryOrOptions = undefined, count = undefined) {
    return readMany(sourceOf(this), KEYS, queryOrOptions, count, 'getAllKeys')
  },

  /** The records of a range of keys. */
  getAllRecords(options = undefined) {
    return readMany(sourceOf(this), RECORDS, options, undefined, 'getAllRecords')
  },

  /** How many records a range of keys has. */
  count(query = undefined) {
    return ask(sourceOf(this), query, true, countRecords, false)
  },

  /** Opens a cursor over a range of keys. */
  openCursor(query = undefined, direction = 'next') {
    return cursor(sourceOf(this), query, direction, true)
  },

  /** Opens a cursor that reads no values. */
  openKeyCursor(query = undefined, direction = 'next') {
    return cursor(sourceOf(this), query, direction, false)
  },
}

/**
 * Gives a class the methods that stores and indexes have in common; each of its objects says with
 * `beSource` what it is.
 *
 * @param {Function} constructor
 */
function defineReads({ prototype }) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
  }
}

/** @param {object} face @param {Source} source */
function beSource(face, source) {
  sources.set(face, source)
}

module.exports = { beSource, checkUsable, defineReads }
