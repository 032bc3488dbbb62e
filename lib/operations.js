'use strict'

const { encodeKey } = require('./key')

/** Operations as they are packed for the native library. */
const OP = Object.freeze({
  PUT: 1,
  ADD: 2,
  DELETE: 3,
  CLEAR: 4,
  DELETE_RANGE: 5,
  REGISTER_SHAPES: 6,
  UPDATE: 7,
  UPSERT: 8,
  UPDATE_WHERE: 9,
  DELETE_WHERE: 10,
  PIPELINE: 11,
  ATOMIC_GROUP: 0x10,
  SAVEPOINT: 0x20,
  RELEASE: 0x21,
  ROLLBACK_TO: 0x22,
  COMMIT: 0x30,
  ROLLBACK: 0x31,
  COMMIT_IF_DONE: 0x32,
  SCHEMA: 0x40,
  READ: 0x50,
})

/** Flags of operations; a deletion with RETURN_KEY answers with the number of documents. */
const FLAG = Object.freeze({ RETURN_KEY: 1, PATCH: 2, INLINE: 4, GENERATE: 8, FRESH: 16 })

/** What an operation answers with. */
const STATUS = Object.freeze({ OK: 0, ERROR: 1, KEY: 2, NUMBER: 3, PAYLOAD: 4 })

/** Bytes of an operation before its key, without the patch offset. */
const HEADER_BYTES = 16

/** Stands for "nothing" where a length is expected. */
const NO_LENGTH = 0xffffffff

const KEY_LENGTH_AT = 8
const VALUE_LENGTH_AT = 12
/** Where an operation with PATCH says where in its value the generated key goes. */
const PATCH_OFFSET_AT = 16

/**
 * Writes the head of an operation; its lengths are 0 until they are set.
 *
 * @param {import('./codec/write-buffer').WriteBuffer} writer
 * @param {number} op
 * @param {number} flags
 * @param {number} storeId
 * @returns {number} where it begins
 */
function beginOperation(writer, op, flags, storeId) {
  writer.ensure(HEADER_BYTES + 4)
  const start = writer.position
  const { view } = writer
  view.setUint32(start, op | (flags << 8), true)
  view.setUint32(start + 4, storeId, true)
  view.setUint32(start + KEY_LENGTH_AT, 0, true)
  view.setUint32(start + VALUE_LENGTH_AT, 0, true)
  writer.position = start + HEADER_BYTES
  if ((flags & FLAG.PATCH) !== 0) writer.position += 4
  return start
}

/** Takes what was written since `from` as the key of the operation at `start`. */
function endKey(writer, start, from) {
  writer.view.setUint32(start + KEY_LENGTH_AT, writer.position - from, true)
}

/** Takes what was written since `from` as the value of the operation at `start`. */
function endValue(writer, start, from) {
  writer.view.setUint32(start + VALUE_LENGTH_AT, writer.position - from, true)
}

/**
 * Writes a store's encoded key.
 *
 * @param {import('./codec/write-buffer').WriteBuffer} writer
 * @param {unknown} key
 * @throws {LodestoreError} INVALID_KEY
 */
const writeKey = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (writer, key) {
    let end = encodeKey(key, writer.buffer, writer.position)
    if (end < 0) {
      writer.ensure(-end - writer.position)
      end = encodeKey(key, writer.buffer, writer.position)
    }
    writer.position = end
  }
)

/** Writes an operation that has neither key nor value. */
function writeBareOperation(writer, op, storeId = 0) {
  beginOperation(writer, op, 0, storeId)
}

/** Writes an operation whose value is already encoded. */
function writeValueOperation(writer, op, bytes, storeId = 0) {
  const start = beginOperation(writer, op, 0, storeId)
  const from = writer.position
  writer.writeBytes(bytes)
  endValue(writer, start, from)
}

/**
 * Takes the answers of a batch apart.
 *
 * @param {Buffer} payload
 * @param {number} count of operations
 * @returns {(FailedOperation | Buffer | number | undefined)[]} for each a failure, the bytes of a
 *   key or payload, a number, or undefined
 */
function parseResults(payload, count) {
  const results = Array.from({ length: count })
  let at = 0
  for (let i = 0; i < count; i++) {
    const status = payload[at++]
    if (status === STATUS.NUMBER) {
      results[i] = readU64(payload, at)
      at += 8
    } else if (status !== STATUS.OK) {
      const length = payload.readUInt32LE(at)
      const bytes = payload.subarray(at + 4, at + 4 + length)
      results[i] = status === STATUS.ERROR ? new FailedOperation(bytes) : bytes
      at += 4 + length
    }
  }
  return results
}

/** A u64 as a number; counts stay far below 2^53. */
function readU64(bytes, at) {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
}

/** An operation that failed: the encoded error document. */
class FailedOperation {
  constructor(report) {
    this.report = report
  }
}

module.exports = {
  OP,
  FLAG,
  STATUS,
  NO_LENGTH,
  PATCH_OFFSET_AT,
  beginOperation,
  endKey,
  endValue,
  writeKey,
  writeBareOperation,
  writeValueOperation,
  parseResults,
  readU64,
  FailedOperation,
}
