'use strict'

const { copyKey, decodeKey } = require('./key')
const { NO_LENGTH, OP, beginOperation, endValue, readU64 } = require('./operations')
const { READ, NOTHING, writeKeysRequest, writeRangeRequest } = require('./read-request')

/*
 * The ways in which a view of the data answers a request: on this thread, off it, or, inside an
 * interactive transaction, in order with its writes.
 */

/** Keys that one request asks for on this thread. */
const INLINE_KEYS = 128
/** Keys that one request asks for off this thread. */
const KEYS_PER_REQUEST = 1000
/** How far a range is counted on this thread. */
const INLINE_COUNT = 4096

/**
 * Asks inside an interactive transaction.
 *
 * @param {object} scope
 * @param {(writer: import('./codec').WriteBuffer) => void} write writes the request; runs no code
 *   of the user
 * @returns {Promise<Buffer>} the answer
 */
async function ask(scope, write) {
  const { queue } = scope
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  try {
    beginOperation(writer, OP.READ, 0, 0)
    const from = writer.position
    write(writer)
    endValue(writer, start, from)
  } catch (error) {
    writer.position = start
    throw error
  }
  queue.append(batch)
  const at = queue.lastAt
  await batch.settled
  return batch.result(at) ?? NOTHING
}

/** Asks on this thread. @returns {number} the length of the answer, in the connection's `out` */
function askNow(scope, write) {
  const { connection } = scope
  connection.request.position = 0
  write(connection.request)
  return connection.read(scope.snapshot)
}

/** Like `askNow`, but gives -1 if the answer is longer than `out`. */
function askIfShort(scope, write) {
  const { connection } = scope
  connection.request.position = 0
  write(connection.request)
  return connection.readIfShort(scope.snapshot)
}

/** Asks off this thread. @returns {Promise<Buffer>} */
function askAside(connection, snapshot, write) {
  const { request } = connection
  request.position = 0
  write(request)
  return connection.readAsync(snapshot, Buffer.from(request.buffer.subarray(0, request.position)))
}

/** Keys without accessors, so that encoding them runs no code of the user. */
function inertKeys(keys) {
  return keys.map((key) => (typeof key === 'object' ? copyKey(key) : key))
}

/** The document under a key, in an interactive transaction. */
async function getInTransaction(scope, state, key) {
  const [inert] = inertKeys([key])
  const answer = await ask(scope, requestOf(state, [inert], 0, 1))
  const documents = []
  readDocuments(answer, state, 1, documents)
  return documents[0]
}

/** Whether there is a document under a key. @returns {Promise<boolean>} */
async function has(scope, state, key) {
  const [inert] = inertKeys([key])
  const write = (writer) => writeKeysRequest(writer, READ.HAS, state.id, [inert], 0, 1)
  if (scope.interactive) return (await ask(scope, write))[0] === 1
  askNow(scope, write)
  return scope.connection.out[0] === 1
}

/**
 * The documents under many keys, undefined for those that are not there, all of one state.
 *
 * @param {object} scope
 * @param {import('./store-state').StoreState} state
 * @param {unknown[]} keys
 * @returns {Promise<unknown[]>}
 */
async function getMany(scope, state, keys) {
  const inert = inertKeys(keys)
  const documents = []
  if (inert.length <= INLINE_KEYS && !scope.interactive) {
    const { connection } = scope
    const length = askIfShort(scope, requestOf(state, inert, 0, inert.length))
    if (length >= 0) {
      readDocuments(connection.out.subarray(0, length), state, inert.length, documents)
      return documents
    }
  }
  await pinned(scope, async (connection, snapshot) => {
    while (documents.length < inert.length) {
      const from = documents.length
      const to = Math.min(inert.length, from + KEYS_PER_REQUEST)
      const write = requestOf(state, inert, from, to)
      const answer = scope.interactive
        ? await ask(scope.current(), write)
        : await askAside(connection, snapshot, write)
      readDocuments(answer, state, to - from, documents)
    }
  })
  return documents
}

function requestOf(state, keys, from, to) {
  return (writer) => writeKeysRequest(writer, READ.GET_MANY, state.id, keys, from, to)
}

/** Runs reads off this thread that must see one state. */
async function pinned(scope, read) {
  const { connection } = scope
  const own = scope.snapshot === 0 && !scope.interactive
  const snapshot = own ? connection.pin() : scope.snapshot
  try {
    return await read(connection, snapshot)
  } finally {
    if (own) connection.unpin(snapshot)
  }
}

/** Appends the documents of an answer to GET_MANY. */
function readDocuments(answer, state, keys, documents) {
  let at = 0
  for (let left = keys; left > 0; left--) {
    const length = answer.readUInt32LE(at)
    at += 4
    if (length === NO_LENGTH) {
      documents.push(undefined)
    } else {
      documents.push(state.decode(answer, at, at + length))
      at += length
    }
  }
}

/**
 * How many entries a store or index has in a range.
 *
 * @param {object} scope
 * @param {{ state: object, indexId: number, range: Buffer, bounded: boolean }} target `bounded` if
 *   the range is not everything
 * @returns {Promise<number>}
 */
async function count(scope, { state, indexId, range, bounded }) {
  const request = (limit) => (writer) =>
    writeRangeRequest(writer, READ.COUNT, 0, state.id, indexId, limit, 0, 0, range, null)
  if (scope.interactive) return readU64(await ask(scope, request(0)), 0)
  askNow(scope, request(bounded ? INLINE_COUNT : 0))
  const counted = readU64(scope.connection.out, 0)
  if (!bounded || counted < INLINE_COUNT) return counted
  return readU64(await askAside(scope.connection, scope.snapshot, request(0)), 0)
}

/**
 * The primary key of the first entry in a range.
 *
 * @returns {Promise<unknown>} undefined if there is none
 */
async function firstKey(scope, { state, indexId, range }) {
  const write = (writer) =>
    writeRangeRequest(writer, READ.GET_KEY, 0, state.id, indexId, 0, 0, 0, range, null)
  let answer
  if (scope.interactive) {
    answer = await ask(scope, write)
  } else {
    const length = askNow(scope, write)
    answer = scope.connection.out.subarray(0, length)
  }
  const length = answer.readUInt32LE(0)
  return length === NO_LENGTH ? undefined : decodeKey(answer.subarray(4, 4 + length))
}

module.exports = {
  ask,
  askAside,
  askNow,
  count,
  firstKey,
  getInTransaction,
  getMany,
  has,
}
