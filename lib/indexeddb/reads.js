'use strict'

const { Promise } = require('../globals')
const { collect } = require('../chunk-source')
const { isOfKey } = require('../range')
const native = require('../reads')
const { SCAN } = require('../read-request')
const { KEYS, VALUES } = require('../scan')
const { ScanPlan } = require('../scan-plan')
const { makeRecord } = require('./record')

/**
 * What requests read from: a store or one of its indexes.
 *
 * @typedef {object} Origin
 * @property {import('./schema-info').StoreInfo} store
 * @property {import('./schema-info').IndexInfo | null} index
 */

/** Records, in whole. */
const RECORDS = {
  store: SCAN.KEYS | SCAN.VALUES,
  index: SCAN.KEYS | SCAN.PRIMARY_KEYS | SCAN.VALUES,
  read: (chunk) => makeRecord(chunk.nextEntry()),
}

/**
 * Reads records in order.
 *
 * @param {object} view
 * @param {Origin} origin
 * @param {import('../scan').Selection} selection what of each
 * @param {import('../range').Range} range
 * @param {number} limit 0 for all
 * @param {string} direction
 * @returns {unknown[] | Promise<unknown[]>}
 */
function readAll(view, { store, index }, selection, range, limit, direction) {
  let flags = index === null ? selection.store : selection.index
  flags |= orderOf(direction, index)
  const plan = new ScanPlan(store.state, index === null ? 0 : index.id, flags, range, limit)
  return collect(view, plan, selection.read)
}

/** The flags for an order. */
function orderOf(direction, index) {
  const reverse = direction.startsWith('prev') ? SCAN.REVERSE : 0
  return index !== null && direction.endsWith('unique') ? reverse | SCAN.UNIQUE : reverse
}

/** The first value of a range, or undefined. */
function readValue(view, origin, range) {
  const { store, index } = origin
  if (index !== null || !isOfKey(range)) {
    return first(readAll(view, origin, VALUES, range, 1, 'next'))
  }
  if (view.interactive) return native.getInTransaction(view, store.state, range.lower)
  return view.memory.get(view.snapshot, store.state, range.lower)
}

function first(rows) {
  return rows instanceof Promise ? rows.then(([row]) => row) : rows[0]
}

/** The first primary key of a range, or undefined. */
function readKey(view, { store, index }, range) {
  const indexId = index === null ? 0 : index.id
  return native.firstKey(view, { state: store.state, indexId, range })
}

/** How many records a range has. */
function countRecords(view, { store, index }, range) {
  const indexId = index === null ? 0 : index.id
  return native.count(view, { state: store.state, indexId, range })
}

module.exports = { KEYS, RECORDS, VALUES, countRecords, orderOf, readAll, readKey, readValue }
