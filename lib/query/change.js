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
  const answer = await change(question, OP.UPDATE_WHERE, request, null)
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
  return change(question, OP.DELETE_WHERE, {}, null)
}

/** Checks what `update` is given; there is nothing to be inserted. */
function checkUpdateFound(update, options) {
  return checkUpdate(update, options, UPDATE_OPTIONS)
}

async function change(question, op, request, blobs) {
  const { signal } = question.parts
  if (signal?.aborted) throw aborted(signal)
  const { queue, state } = question.writes()
  try {
    append(queue, state, op, { query: requestOf(question, RETURNS.KEYS), ...request }, blobs)
  } catch (error) {
    if (blobs !== null || error?.code !== 'DATA_CLONE') throw error
    const found = collectBlobs(request)
    if (found.length === 0) throw error
    return change(question, op, request, await readBlobs(found))
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

module.exports = { checkUpdateFound, deleteFound, updateFound }
