'use strict'

const { readBlobs } = require('../blobs')
const { DocumentDecoder, DocumentEncoder, WriteBuffer, collectBlobs } = require('../codec')
const { decodeKey } = require('../key')
const { MISSING, UNDECIDED } = require('../key-path')
const {
  FLAG,
  OP,
  PATCH_OFFSET_AT,
  beginOperation,
  endKey,
  endValue,
  writeKey,
} = require('../operations')
const { writeRange } = require('../range')
const { exception, exceptionOf } = require('./exceptions')
const { INVALID, extractKey } = require('./key-path')

/** Where an operation names its store. */
const STORE_AT = 4
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 1 << 20

const encoder = new DocumentEncoder({ namedArrayFields: true })
const decoder = new DocumentDecoder()

let spare = new WriteBuffer()

/**
 * Packs an operation aside.
 *
 * @template T
 * @param {(writer: WriteBuffer) => T} write
 * @returns {{ bytes: Buffer, value: T }}
 */
function packAside(write) {
  const writer = spare ?? new WriteBuffer()
  spare = null
  try {
    writer.position = 0
    const value = write(writer)
    return { bytes: Buffer.from(writer.buffer.subarray(0, writer.position)), value }
  } finally {
    if (writer.buffer.length <= KEPT_BYTES) spare = writer
  }
}

/**
 * A document that is to be stored: cloned and with its key, as an operation.
 *
 * @typedef {object} PackedPut
 * @property {Buffer} bytes the operation
 * @property {unknown} key undefined if the database generates it
 * @property {Promise<Buffer> | null} completed the operation with the bytes of blobs, which come
 *   later
 */

/**
 * Clones a document and finds its key.
 *
 * @param {number} op OP.PUT or OP.ADD
 * @param {import('./schema-info').StoreInfo} info
 * @param {unknown} value
 * @param {unknown} key a key, or undefined
 * @returns {PackedPut}
 * @throws {DOMException} DataCloneError, DataError; and what code of the user throws
 */
function packPut(op, info, value, key) {
  try {
    return pack(op, info, value, key, null)
  } catch (error) {
    if (error?.code !== 'DATA_CLONE') throw exceptionOf(error)
    const blobs = collectBlobs(value)
    if (blobs.length === 0) throw exceptionOf(error)
    return packWithBlobs(op, info, value, key, blobs)
  }
}

function pack(op, info, value, key, blobs) {
  const packed = packAside((writer) =>
    info.keyPath === null
      ? writePut(writer, op, info, value, key, blobs)
      : writeInLinePut(writer, op, info, value, blobs),
  )
  return { bytes: packed.bytes, key: packed.value, completed: null }
}

/** Clones everything but the bytes of blobs, which never change, and come later. */
function packWithBlobs(op, info, value, key, blobs) {
  try {
    const empty = blobs.map(({ size }) => new Uint8Array(size))
    const { bytes } = packAside((writer) => {
      encode(writer, info, value, null, pair(blobs, empty))
    })
    const clone = decoder.decode(bytes, 0, bytes.length, info.shapes)
    const cloned = collectBlobs(clone)
    const packed = pack(op, info, clone, key, pair(cloned, empty))
    packed.completed = readBlobs(blobs).then((read) => {
      const filled = blobs.map((blob) => read.get(blob))
      return pack(op, info, clone, key, pair(cloned, filled)).bytes
    })
    // Whoever waits for it handles a failure.
    packed.completed.catch(() => {})
    return packed
  } catch (error) {
    throw exceptionOf(error)
  }
}

/** @returns {Map<Blob, Uint8Array>} */
function pair(blobs, bytes) {
  return new Map(blobs.map((blob, i) => [blob, bytes[i]]))
}

/** @returns the document's key; undefined if the database generates it */
function writePut(writer, op, info, value, key, blobs) {
  const flags = key === undefined ? FLAG.GENERATE | FLAG.RETURN_KEY : 0
  const start = beginOperation(writer, op, flags, 0)
  if (key !== undefined) {
    const from = writer.position
    writeKey(writer, key)
    endKey(writer, start, from)
  }
  writeValue(writer, start, info, value, null, blobs)
  return key
}

function writeInLinePut(writer, op, info, value, blobs) {
  const start = writer.position
  const seen = info.keyReader === null ? UNDECIDED : info.keyReader.read(value)
  if (seen === MISSING && info.autoIncrement) {
    return writeGenerated(writer, op, info, value, blobs)
  }
  const at = beginOperation(writer, op, FLAG.INLINE, 0)
  const from = writer.position
  writeValue(writer, at, info, value, null, blobs)
  if (typeof seen === 'number' || typeof seen === 'string') {
    if (seen === seen) return seen
    throw invalidKey(info)
  }
  const clone = decoder.decode(writer.buffer, from, writer.position, info.shapes)
  const key = extractKey(info.keyPath, clone)
  if (key === INVALID) throw invalidKey(info)
  if (key !== undefined) return key
  if (!info.autoIncrement) {
    throw exception('DataError', `The value has no key at '${info.keyPath}'`)
  }
  writer.position = start
  const same = blobs === null ? null : pair(collectBlobs(clone), [...blobs.values()])
  return writeGenerated(writer, op, info, clone, same)
}

function writeGenerated(writer, op, info, value, blobs) {
  const start = beginOperation(writer, op, FLAG.PATCH | FLAG.RETURN_KEY, 0)
  const inject = { path: info.keyPath.split('.') }
  writeValue(writer, start, info, value, inject, blobs)
  writer.view.setUint32(start + PATCH_OFFSET_AT, encoder.injectedAt, true)
  return undefined
}

function writeValue(writer, start, info, value, inject, blobs) {
  const from = writer.position
  encode(writer, info, value, inject, blobs)
  endValue(writer, start, from)
}

function encode(writer, info, value, inject, blobs) {
  encoder.encode(value, info.shapes, writer, inject, blobs)
}

function invalidKey(info) {
  return exception('DataError', `What stands at '${info.keyPath}' of the value is not a key`)
}

/** The deletion of a range of keys. */
function packDelete(range) {
  return packAside((writer) => {
    const start = beginOperation(writer, OP.DELETE_RANGE, FLAG.RETURN_KEY, 0)
    const from = writer.position
    writeRange(writer, range)
    endKey(writer, start, from)
  }).bytes
}

/** The deletion of all documents. */
function packClear() {
  return packAside((writer) => beginOperation(writer, OP.CLEAR, FLAG.RETURN_KEY, 0)).bytes
}

/**
 * Sends an operation.
 *
 * @param {import('../transaction-level').TransactionLevel} level
 * @param {import('./schema-info').StoreInfo} info
 * @param {Buffer} bytes
 * @returns {Promise<Buffer | number | undefined>} what it answers with
 */
async function send(level, info, bytes) {
  const queue = level.writes()
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  writer.writeBytes(bytes)
  writer.view.setUint32(start + STORE_AT, info.state.id, true)
  queue.append(batch)
  const at = queue.lastAt
  await batch.settled
  return batch.result(at)
}

/**
 * Sends a deletion.
 *
 * @param {import('./transaction-state').TransactionState} transaction
 * @param {Buffer} bytes of packDelete or packClear
 */
async function sendDelete(level, info, bytes, transaction) {
  const deleted = await send(level, info, bytes)
  if (deleted > 0) transaction.hasChanged = true
}

/**
 * Sends a put.
 *
 * @param {PackedPut} packed
 * @param {import('./transaction-state').TransactionState} transaction
 * @returns {Promise<unknown>} the document's key
 */
async function sendPut(level, info, packed, transaction) {
  const bytes = packed.completed === null ? packed.bytes : await packed.completed
  try {
    const answer = await send(level, info, bytes)
    transaction.hasChanged = true
    return packed.key === undefined ? decodeKey(answer) : packed.key
  } catch (error) {
    // The key generator has come to its end.
    if (packed.key !== undefined || error.code !== 'RESOURCE_LIMIT') throw error
    throw exception('ConstraintError', error.message, error)
  }
}

module.exports = { packClear, packDelete, packPut, sendDelete, sendPut }
