'use strict'

const { readBlobs } = require('../blobs')
const { aborted } = require('../call')
const { WriteBuffer, collectBlobs } = require('../codec')
const { LodestoreError } = require('../errors')
const { REQUEST_SHAPES } = require('../internal-codec')
const { beginOperation, endKey, endValue, readU64 } = require('../operations')
const { abortSignal, callback, integer, invalidArgument } = require('../options/check')
const { withStore } = require('../put')
const { count } = require('./run')

/** Documents of one batch. */
const MOST_IN_BATCH = 1_000_000
/** Stands for "from the first one on". */
const NO_KEY = Buffer.alloc(0)

/** The options of a change that may be made in batches. */
const BATCH_OPTIONS = {
  batch: integer(1, MOST_IN_BATCH),
  onProgress: callback,
  signal: abortSignal,
}

/**
 * Checks how the options of a change go together.
 *
 * @param {string} method
 * @param {{ batch?: number, onProgress?: Function, signal?: AbortSignal }} options
 * @param {import('./options').Parts} parts
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function checkBatch(method, { batch, onProgress, signal }, parts) {
  if (signal !== undefined && parts.signal !== undefined) {
    const message = `${method}: the query has a signal already; give one`
    throw invalidArgument(message, 'options.signal')
  }
  if (batch === undefined) {
    if (onProgress === undefined) return
    const message = `${method}: without options.batch there is no progress to be told of`
    throw invalidArgument(message, 'options.onProgress')
  }
  for (const part of ['sort', 'skip']) {
    if (parts[part] === undefined) continue
    throw new LodestoreError(
      'INVALID_QUERY',
      `${method}: batches go in the order of the primary keys, so there can be no ${part}`,
    )
  }
}

/**
 * Changes the documents of a query in batches, each in a transaction of its own. A batch begins
 * behind the primary key that the one before it ended with, so that no document is met twice,
 * whatever becomes of those that were.
 *
 * @param {import('./run').Question} question
 * @param {{ method: string, op: number }} change
 * @param {object} request as one transaction would be given it
 * @param {{ batch: number, onProgress?: (progress: object) => void, signal?: AbortSignal }} options
 * @returns {Promise<{ matched: number, modified: number }>}
 * @throws {LodestoreError} with the same numbers, of the batches that are committed
 */
async function changeInBatches(question, { method, op }, request, { batch, onProgress, signal }) {
  refuseInside(question, method)
  const target = question.writes()
  const done = { matched: 0, modified: 0 }
  const limit = question.parts.limit ?? Infinity
  try {
    if (signal?.aborted) throw aborted(signal)
    const value = await encode(target.state, request, null)
    const total = onProgress === undefined ? 0 : await counted(question, signal)
    for (let key = NO_KEY; key !== null && done.matched < limit;) {
      if (signal?.aborted) throw aborted(signal)
      const answer = await send(target, op, Math.min(batch, limit - done.matched), key, value)
      done.matched += readU64(answer, 0)
      done.modified += readU64(answer, 8)
      key = answer[16] === 1 ? answer.subarray(17) : null
      onProgress?.({ phase: method, done: done.matched, total: Math.max(total, done.matched) })
    }
    return done
  } catch (error) {
    throw withNumbers(error, done)
  }
}

/** How many documents will be met, as far as can be told before. */
function counted(question, signal) {
  return count({ ...question, parts: { ...question.parts, signal } })
}

/** A transaction would be what the batches have in common, and they are to have none. */
function refuseInside({ resolve }, method) {
  if (!resolve().scope.interactive) return
  throw invalidArgument(
    `${method}: batches are transactions of their own, so there can be none inside a ` +
      'transaction; leave options.batch out, or do it in db.outside(fn) without awaiting it',
    'options.batch',
  )
}

/** A request as operations hold it; every batch has the same. */
async function encode(state, request, blobs) {
  const writer = new WriteBuffer(1024)
  try {
    state.encoder.encode(request, REQUEST_SHAPES, writer, null, blobs)
  } catch (error) {
    const found = blobs === null && error?.code === 'DATA_CLONE' ? collectBlobs(request) : []
    if (found.length === 0) throw withStore(error, state)
    return encode(state, request, await readBlobs(found))
  }
  return writer.buffer.subarray(0, writer.position)
}

async function send({ queue, state }, op, size, key, value) {
  const batch = queue.open()
  const { writer } = batch
  const start = beginOperation(writer, op, 0, state.id)
  const keyFrom = writer.position
  writer.writeU32(size)
  writer.writeBytes(key)
  endKey(writer, start, keyFrom)
  const valueFrom = writer.position
  writer.writeBytes(value)
  endValue(writer, start, valueFrom)
  queue.append(batch)
  const at = queue.lastAt
  await batch.settled
  return batch.result(at)
}

/** Says in an error how much was done before it, which stays. */
function withNumbers(error, { matched, modified }) {
  if (error instanceof LodestoreError) Object.assign(error, { matched, modified })
  return error
}

module.exports = { BATCH_OPTIONS, changeInBatches, checkBatch }
