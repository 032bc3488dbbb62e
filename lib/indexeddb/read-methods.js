'use strict'

const { isDate } = require('node:util').types
const { bytesOf } = require('../key/binary')
const { exception } = require('./exceptions')
const { boundsOf, toRange } = require('./key-range')
const { KEYS, RECORDS, VALUES, count, readAll, readKey, readValue } = require('./reads')
const { openCursor } = require('./cursor')
const { toEnum, toUnsignedLong } = require('./web-idl')

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

function get(source, query) {
  checkUsable(source)
  const range = rangeOf(source, query, false)
  return ask(source, (view) => readValue(view, source.origin, range))
}

function getKey(source, query) {
  checkUsable(source)
  const range = rangeOf(source, query, false)
  return ask(source, (view) => readKey(view, source.origin, range))
}

function countRecords(source, query) {
  checkUsable(source)
  const range = rangeOf(source, query, true)
  return ask(source, (view) => count(view, source.origin, range))
}

const getAll = (source, query, limit) => readMany(source, VALUES, query, limit, 'getAll')
const getAllKeys = (source, query, limit) => readMany(source, KEYS, query, limit, 'getAllKeys')
const getAllRecords = (source, options) =>
  readMany(source, RECORDS, options ?? {}, undefined, 'getAllRecords')

function readMany(source, selection, queryOrOptions, given, method) {
  let query = queryOrOptions
  let limit = given
  let direction = 'next'
  if (selection === RECORDS || isOptions(queryOrOptions)) {
    ;({ count: limit, direction = 'next', query } = queryOrOptions)
  }
  const order = toEnum(direction, DIRECTIONS, `${method}: direction`)
  const most = limit === undefined ? 0 : toUnsignedLong(limit, `${method}: count`)
  checkUsable(source)
  const range = rangeOf(source, query, true)
  return ask(source, (view) => readAll(view, source.origin, selection, range, most, order))
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

function ask({ face, transaction }, perform) {
  return transaction.request(face, perform)
}

module.exports = {
  DIRECTIONS,
  checkUsable,
  countRecords,
  cursor,
  get,
  getAll,
  getAllKeys,
  getAllRecords,
  getKey,
}
