'use strict'

const { readBlobs } = require('../blobs')
const { aborted } = require('../call')
const { collectBlobs } = require('../codec')
const { REQUEST_SHAPES } = require('../internal-codec')
const { decodeKey } = require('../key')
const { OP, beginOperation, endValue, readU64 } = require('../operations')
const { boolean, checkOptions, invalidArgument } = require('../options/check')
const { withStore } = require('../put')
const { ARRAY_FILTERS, checkUpdate } = require('../update')
const { uuidv7 } = require('../uuid')
const { BATCH_OPTIONS, changeInBatches, checkBatch } = require('./batches')
const { RETURNS } = require('./request')
const { refusePredicates, requestOf } = require('./run')

const UPDATE_OPTIONS = { arrayFilters: ARRAY_FILTERS, upsert: boolean, ...BATCH_OPTIONS }

const UPDATE = { method: 'update', op: OP.UPDATE_WHERE }
const DELETE = { method: 'delete', op: OP.DELETE_WHERE }

/** Where the key of a document that was inserted stands in an answer: behind two numbers. */
const UPSERTED_AT = 16

/**
 * Changes the documents of a query by operators: all or none, or in batches. With `upsert` a
 * document is inserted if there are none.
 *
 * @param {import('./run').Question} question
 * @param {unknown} update
 * @param {unknown} options
 * @returns {Promise<{ matched: number, modified: number, upserted?: unknown }>}
 */
async function updateFound(question, update, options) {
  refusePredicates(question, 'update')
  const { batch, onProgress, signal, ...request } = checkUpdate(update, options, UPDATE_OPTIONS)
  if (request.upsert) prepareUpsert(question, request, batch)
  const answer = await change(question, UPDATE, request, { batch, onProgress, signal })
  if (!Buffer.isBuffer(answer)) return answer
  const result = { matched: readU64(answer, 0), modified: readU64(answer, 8) }
  if (answer.length > UPSERTED_AT) result.upserted = decodeKey(answer.subarray(UPSERTED_AT))
  return result
}

/** Gives the request a key for a document that has none, where the store makes such keys. */
function prepareUpsert(question, request, batch) {
  if (batch !== undefined) {
    const message = 'update: an upsert is one transaction, so leave options.batch out'
    throw invalidArgument(message, 'options.upsert')
  }
  if (question.resolve().state.generator === 'uuidv7') request.freshKey = uuidv7()
}

/**
 * Deletes the documents of a query: all or none, or in batches.
 *
 * @param {import('./run').Question} question
 * @param {unknown} options
 * @returns {Promise<number>} how many there were
 */
async function deleteFound(question, options) {
  refusePredicates(question, 'delete')
  const checked = checkOptions('delete', options, BATCH_OPTIONS)
  const answer = await change(question, DELETE, {}, checked)
  return typeof answer === 'number' ? answer : answer.modified
}

/** What the writer answers, or the numbers of all batches. */
function change(question, { method, op }, changes, options) {
  const { parts } = question
  checkBatch(method, options, parts)
  const signal = options.signal ?? parts.signal
  const query = requestOf(question, RETURNS.KEYS)
  const request = { query, ...changes }
  // Where nothing is wanted the request is still checked.
  const isWhole = options.batch === undefined || parts.limit === 0
  if (isWhole) return write({ ...question, signal }, op, request)
  // All batches together have it.
  delete query.limit
  return changeInBatches(question, { method, op }, request, { ...options, signal })
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

module.exports = { deleteFound, updateFound, write }
