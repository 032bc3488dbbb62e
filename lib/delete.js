'use strict'

const { copyKey } = require('./key')
const { FLAG, OP, beginOperation, endKey, writeBareOperation, writeKey } = require('./operations')
const { withStore } = require('./put')
const { writeRange } = require('./range')

/**
 * Appends the deletion of one document to what is about to be written.
 *
 * @param {import('./write-batch').OperationQueue} queue
 * @param {import('./store-state').StoreState} state
 * @param {unknown} key
 * @throws {LodestoreError} INVALID_KEY; then nothing is written
 */
function appendDelete(queue, state, key) {
  // Accessors of an array run here, before the batch is chosen.
  const inert = Array.isArray(key) ? copyKey(key) : key
  const batch = queue.open()
  const { writer } = batch
  const start = beginOperation(writer, OP.DELETE, FLAG.RETURN_KEY, state.id)
  try {
    const from = writer.position
    writeKey(writer, inert)
    endKey(writer, start, from)
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
}

/**
 * Appends the deletion of a range of keys.
 *
 * @param {import('./write-batch').OperationQueue} queue
 * @param {import('./store-state').StoreState} state
 * @param {import('./range').Range} range
 * @throws {LodestoreError} INVALID_KEY; then nothing is written
 */
function appendDeleteRange(queue, state, range) {
  const batch = queue.open()
  const { writer } = batch
  const start = beginOperation(writer, OP.DELETE_RANGE, FLAG.RETURN_KEY, state.id)
  try {
    const from = writer.position
    writeRange(writer, range)
    endKey(writer, start, from)
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
}

/** Appends the deletion of all documents of a store. */
function appendClear(queue, state) {
  const batch = queue.open()
  writeBareOperation(batch.writer, OP.CLEAR, state.id)
  queue.append(batch)
}

module.exports = { appendDelete, appendDeleteRange, appendClear }
