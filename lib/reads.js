'use strict'

const { WriteBuffer } = require('./codec')
const { copyKey, decodeKeyAt } = require('./key')
const { NO_LENGTH, OP, beginOperation, endValue, readU64 } = require('./operations')
const { paced } = require('./pace')
const { EVERYTHING } = require('./range')
const { READ, NOTHING, writeKeysRequest, writeRangeRequest } = require('./read-request')

/*
 * The ways in which a view of the data answers a request: on this thread, off it, or, inside an
 * interactive transaction, in order with its writes.
 */

/** Keys that one request asks for on this thread. */
const INLINE_KEYS = 128
/** Keys that one request asks for off this thread. */
const KEYS_PER_REQUEST = 1000
/** How often a read begins anew because its snapshot had to give way. */
const RENEWALS = 3
/** A request that takes more bytes is not written to memory that is kept. */
const MOST_SHARED = 64 << 10
/** Bytes of a request beside what is long in it. */
const SPARE = 1024
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

/** Asks on this thread. @returns {number} the length of the answer, in the shared memory */
function askNow({ memory, snapshot }, write) {
  memory.request.position = 0
  write(memory.request)
  return memory.read(snapshot)
}

/**
 * Asks off this thread.
 *
 * @param {number} [bytes] how many the request takes, about, if they may be many
 * @returns {Promise<Buffer>}
 */
function askAside(connection, snapshot, write, bytes = 0) {
  if (bytes > MOST_SHARED) {
    const writer = new WriteBuffer(bytes + SPARE)
    write(writer)
    return connection.readAsync(snapshot, writer.buffer.subarray(0, writer.position))
  }
  const { request } = connection.memory
  request.position = 0
  write(request)
  return connection.readAsync(snapshot, Buffer.from(request.buffer.subarray(0, request.position)))
}

/** A key without accessors, so that encoding it runs no code of the user. */
function inertKey(key) {
  return typeof key === 'object' ? copyKey(key) : key
}

/** The document under a key, in an interactive transaction. */
async function getInTransaction(scope, state, key) {
  const keys = [inertKey(key)]
  const answer = await ask(scope, (writer) => writeGetMany(writer, state, keys, 0, 1))
  const documents = []
  readDocuments(answer, state, 1, documents)
  return documents[0]
}

/** Whether there is a document under a key. @returns {boolean | Promise<boolean>} */
function has(scope, state, key) {
  const keys = [inertKey(key)]
  const write = (writer) => writeKeysRequest(writer, READ.HAS, state.id, keys, 0, 1)
  if (scope.interactive) return ask(scope, write).then((answer) => answer[0] === 1)
  askNow(scope, write)
  return paced(scope.memory.out[0] === 1)
}

/**
 * The documents under many keys, undefined for those that are not there, all of one state.
 *
 * @param {object} scope
 * @param {import('./store-state').StoreState} state
 * @param {unknown[]} keys which nobody else uses
 * @returns {unknown[] | Promise<unknown[]>}
 */
function getMany(scope, state, keys) {
  const { length } = keys
  for (let i = 0; i < length; i++) keys[i] = inertKey(keys[i])
  if (length > INLINE_KEYS || scope.interactive) return getManyAside(scope, state, keys)
  const { memory } = scope
  memory.request.position = 0
  writeGetMany(memory.request, state, keys, 0, length)
  if (memory.readIfShort(scope.snapshot) < 0) return getManyAside(scope, state, keys)
  const documents = []
  readDocuments(memory.out, state, length, documents)
  return paced(documents)
}

async function getManyAside(scope, state, keys) {
  return pinned(scope, async (connection, snapshot) => {
    const documents = []
    while (documents.length < keys.length) {
      const from = documents.length
      const to = Math.min(keys.length, from + KEYS_PER_REQUEST)
      const write = (writer) => writeGetMany(writer, state, keys, from, to)
      const answer = scope.interactive
        ? await ask(scope.current(), write)
        : await askAside(connection, snapshot, write)
      readDocuments(answer, state, to - from, documents)
    }
    return documents
  })
}

function writeGetMany(writer, state, keys, from, to) {
  writeKeysRequest(writer, READ.GET_MANY, state.id, keys, from, to)
}

/** Runs reads off this thread that must see one state. */
async function pinned({ connection, snapshot, interactive }, read) {
  if (snapshot !== 0 || interactive) return read(connection, snapshot)
  return unlessExpired(async () => {
    const own = connection.pin()
    try {
      return await read(connection, own)
    } finally {
      connection.unpin(own)
    }
  })
}

/**
 * Runs a read of which nobody has seen anything before its end, in a snapshot of its own: begins it
 * anew, in a newer state, if the snapshot has to give way.
 *
 * @template T
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
async function unlessExpired(read) {
  for (let left = RENEWALS; ; left--) {
    try {
      return await read()
    } catch (error) {
      if (left === 0 || error?.code !== 'SNAPSHOT_EXPIRED') throw error
    }
  }
}

/** Appends the documents of an answer to GET_MANY. */
function readDocuments(answer, state, keys, documents) {
  let at = 0
  state.decoder.beginSequence(answer)
  for (let left = keys; left > 0; left--) {
    const length = answer.readUInt32LE(at)
    at += 4
    if (length === NO_LENGTH) {
      documents.push(undefined)
    } else {
      documents.push(state.decodeNext(answer, at, at + length, answer.length))
      at += length
    }
  }
}

/**
 * How many entries a store or index has in a range.
 *
 * @param {object} scope
 * @param {{ state: object, indexId: number, range: import('./range').Range }} target
 * @returns {number | Promise<number>}
 */
function count(scope, target) {
  if (scope.interactive) return ask(scope, countRequest(target, 0)).then(readCount)
  const bounded = target.range !== EVERYTHING
  askNow(scope, countRequest(target, bounded ? INLINE_COUNT : 0))
  const counted = readU64(scope.memory.out, 0)
  if (!bounded || counted < INLINE_COUNT) return paced(counted)
  return askAside(scope.connection, scope.snapshot, countRequest(target, 0)).then(readCount)
}

function countRequest({ state, indexId, range }, limit) {
  return (writer) =>
    writeRangeRequest(writer, READ.COUNT, 0, state.id, indexId, limit, 0, 0, range, null)
}

function readCount(answer) {
  return readU64(answer, 0)
}

/**
 * The primary key of the first entry in a range, or undefined.
 *
 * @param {object} scope
 * @param {{ state: object, indexId: number, range: import('./range').Range }} target
 * @returns {unknown} often a promise
 */
function firstKey(scope, { state, indexId, range }) {
  const write = (writer) =>
    writeRangeRequest(writer, READ.GET_KEY, 0, state.id, indexId, 0, 0, 0, range, null)
  if (scope.interactive) return ask(scope, write).then(readFirstKey)
  askNow(scope, write)
  return paced(readFirstKey(scope.memory.out))
}

function readFirstKey(answer) {
  const length = answer.readUInt32LE(0)
  return length === NO_LENGTH ? undefined : decodeKeyAt(answer, 4, 4 + length)
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
  unlessExpired,
}
