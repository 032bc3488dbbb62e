'use strict'

const { LodestoreError } = require('./errors')
const { REQUEST_SHAPES } = require('./internal-codec')
const { copyKey, decodeKeyAt } = require('./key')
const { OP, beginOperation, endKey, endValue, writeKey } = require('./operations')
const { boolean, checkOptions, describe } = require('./options/check')
const { withStore } = require('./put')

/** What became of a document, in bits of the native library's answer. */
const MATCHED = 1
const MODIFIED = 2
const INSERTED = 4

const ARRAY_FILTERS = { allows: 'an array of filters', accepts: Array.isArray }
const UPDATE_OPTIONS = { arrayFilters: ARRAY_FILTERS, upsert: boolean }

/**
 * Checks the arguments of an update.
 *
 * @param {unknown} update
 * @param {unknown} options
 * @param {import('./options/check').Specification} [specification] of the options
 * @returns {{ update: object, arrayFilters?: unknown[], upsert?: boolean }} the request
 * @throws {LodestoreError} INVALID_UPDATE, INVALID_ARGUMENT
 */
function checkUpdate(update, options, specification = UPDATE_OPTIONS) {
  if (typeof update !== 'object' || update === null) {
    const message =
      'update: the update must be an object of operators such as { $set: { a: 1 } }, ' +
      `not ${describe(update)}`
    throw new LodestoreError('INVALID_UPDATE', message, { path: 'update' })
  }
  return { update, ...checkOptions('update', options, specification) }
}

/**
 * Appends the update of one document to what is about to be written.
 *
 * @param {import('./write-batch').OperationQueue} queue its `lastBatch` and `lastAt` then tell
 *   where it stands
 * @param {import('./store-state').StoreState} state
 * @param {unknown} key
 * @param {object} request
 * @param {Map<Blob, Uint8Array> | null} blobs the bytes of the blobs in the request
 * @returns {unknown} the key as it is read from the database
 * @throws {LodestoreError} INVALID_KEY, DATA_CLONE; then nothing is written
 */
function appendUpdate(queue, state, key, request, blobs) {
  // Accessors of an array run here, before the batch is chosen.
  const inert = typeof key === 'object' && key !== null ? copyKey(key) : key
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  let stored = inert
  try {
    beginOperation(writer, OP.UPDATE, 0, state.id)
    const from = writer.position
    writeKey(writer, inert)
    if (typeof inert !== 'string') stored = decodeKeyAt(writer.buffer, from, writer.position)
    endKey(writer, start, from)
    const valueFrom = writer.position
    state.encoder.encode(request, REQUEST_SHAPES, writer, null, blobs)
    endValue(writer, start, valueFrom)
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
  return stored
}

/**
 * What an update did.
 *
 * @param {number} bits
 * @param {unknown} key of the document
 * @returns {{ matched: number, modified: number, upserted?: unknown }}
 */
function updateResult(bits, key) {
  const result = {
    matched: (bits & MATCHED) === 0 ? 0 : 1,
    modified: (bits & MODIFIED) === 0 ? 0 : 1,
  }
  if ((bits & INSERTED) !== 0) result.upserted = key
  return result
}

module.exports = { ARRAY_FILTERS, checkUpdate, appendUpdate, updateResult }
