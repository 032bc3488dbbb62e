'use strict'

const { writeKey } = require('./operations')
const { writeRange } = require('./range')

/** Kinds of read requests. */
const READ = Object.freeze({
  SCAN: 1,
  COUNT: 2,
  GET_MANY: 3,
  GET: 4,
  HAS: 5,
  GET_KEY: 6,
  CATALOG: 7,
  QUERY: 8,
  QUERY_NEXT: 9,
  QUERY_END: 10,
})

/** Flags of read requests. */
const SCAN = Object.freeze({
  REVERSE: 1,
  KEYS: 2,
  VALUES: 4,
  UNIQUE: 8,
  PRIMARY_KEYS: 16,
  /**
   * What is resumed from is a point among the entries, rather than what an earlier answer named:
   * the scan begins with the first entry at or above it, in reverse with the last one below it.
   */
  BEGIN_AT: 32,
})

const HEADER_BYTES = 24

const NOTHING = Buffer.alloc(0)

/**
 * Writes the part that all read requests begin with, at the start of the buffer.
 *
 * @param {import('./codec').WriteBuffer} writer
 */
function beginRequest(writer, kind, flags, storeId, indexId, limit, offset, maxBytes) {
  writer.ensure(HEADER_BYTES)
  const { view, position } = writer
  view.setUint32(position, kind | (flags << 8), true)
  view.setUint32(position + 4, storeId, true)
  view.setUint32(position + 8, indexId, true)
  view.setUint32(position + 12, limit, true)
  view.setUint32(position + 16, offset, true)
  view.setUint32(position + 20, maxBytes, true)
  writer.position = position + HEADER_BYTES
}

/**
 * Writes a request about a range: SCAN, COUNT or GET_KEY.
 *
 * @param {import('./codec').WriteBuffer} writer
 * @param {import('./range').Range} range
 * @param {Buffer | null} resume where to go on, or null to begin
 * @throws {LodestoreError} INVALID_KEY for a bound that is too long
 */
function writeRangeRequest(
  writer,
  kind,
  flags,
  storeId,
  indexId,
  limit,
  offset,
  maxBytes,
  range,
  resume,
) {
  beginRequest(writer, kind, flags, storeId, indexId, limit, offset, maxBytes)
  writeRange(writer, range)
  writer.writeU32(resume === null ? 0 : resume.length)
  if (resume !== null) writer.writeBytes(resume)
}

/**
 * Writes a request about keys of a store: GET_MANY or HAS.
 *
 * @param {import('./codec').WriteBuffer} writer
 * @param {unknown[]} keys none of which runs code when it is encoded
 * @param {number} from the first key to ask for
 * @param {number} to the end of the keys to ask for
 * @throws {LodestoreError} INVALID_KEY
 */
function writeKeysRequest(writer, kind, storeId, keys, from, to) {
  beginRequest(writer, kind, 0, storeId, 0, 0, 0, 0)
  writer.writeU32(to - from)
  for (let i = from; i < to; i++) {
    const lengthAt = writer.position
    writer.writeU32(0)
    writeKey(writer, keys[i])
    writer.view.setUint32(lengthAt, writer.position - lengthAt - 4, true)
  }
}

module.exports = {
  READ,
  SCAN,
  NOTHING,
  beginRequest,
  writeKeysRequest,
  writeRangeRequest,
}
