'use strict'

const { readBlobs } = require('../blobs')
const { aborted } = require('../call')
const { collectBlobs } = require('../codec')
const { REQUEST_SHAPES } = require('../internal-codec')
const { OP, beginOperation, endValue, readU64 } = require('../operations')
const { withStore } = require('../put')
const { ARRAY_FILTERS, checkUpdate } = require('../update')
const { RETURNS } = require('./request')
const { refusePredicates, requestOf } = require('./run')

const UPDATE_OPTIONS = { arrayFilters: ARRAY_FILTERS }

/**
 * Changes the documents of a query by operators, all or none.
 *
 * @param {import('./run').Question} question
 * @param {{ update: object, arrayFilters?: unknown[] }} request
 * @returns {Promise<{ matched: number, modified: number }>}
 */
async function updateFound(question, request) {
  refusePredicates(question, 'update')
  const answer = await change(question, OP.UPDATE_WHERE, request)
  return { matched: readU64(answer, 0), modified: readU64(answer, 8) }
}

/**
 * Deletes the documents of a query, all or none.
 *
 * @param {import('./run').Question} question
 * @returns {Promise<number>} how many there were
 */
async function deleteFound(question) {
  refusePredicates(question, 'delete')
  return change(question, OP.DELETE_WHERE, {})
}

/** Checks what `update` is given; there is nothing to be inserted. */
function checkUpdateFound(update, options) {
  return checkUpdate(update, options, UPDATE_OPTIONS)
}

function change(question, op, request) {
  const { signal } = question.parts
  return write({ ...question, signal }, op, {
    query: requestOf(question, RETURNS.KEYS),
    ...request,
  })
}

/**
 * Makes an operation of the writer.
 *
 * @param {object} target
 * @param {() => { queue: object, state: object }} target.writes finds out where it is written
 * @param {AbortSignal} [target.signal] which may keep it from being begun
 * @param {number} op of OP
 * @param {object} request
 * @param {Map<Blob, Uint8Array> | null} [blobs] the bytes of the blobs in the request
 * @returns {Promise<unknown>} its result
 */
async function write(target, op, request, blobs = null) {
  const { writes, signal } = target
  if (signal?.aborted) throw aborted(signal)
  const { queue, state } = writes()
  try {
    append(queue, state, op, request, blobs)
  } catch (error) {
    if (blobs !== null || error?.code !== 'DATA_CLONE') throw error
    const found = collectBlobs(request)
    if (found.length === 0) throw error
    return write(target, op, request, await readBlobs(found))
  }
  const { lastBatch, lastAt } = queue
  await lastBatch.settled
  return lastBatch.result(lastAt)
}

function append(queue, state, op, request, blobs) {
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  try {
    beginOperation(writer, op, 0, state.id)
    const from = writer.position
    state.encoder.encode(request, REQUEST_SHAPES, writer, null, blobs)
    endValue(writer, start, from)
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
}

module.exports = { checkUpdateFound, deleteFound, updateFound, write }
