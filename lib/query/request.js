'use strict'

const { DocumentEncoder, ShapeTable, WriteBuffer, encodeInPieces } = require('../codec')
const { Pacer, nextTurn } = require('../pace')
const { READ, beginRequest } = require('../read-request')

/** A query that takes more bytes is long: it is encoded by itself, and in pieces. */
const AT_ONCE_BYTES = 64 << 10
const TOO_LONG = new Error('the query is too long to be encoded at once')

/** A buffer for queries that are not long. */
class ShortBuffer extends WriteBuffer {
  grow(count) {
    if (this.position + count > AT_ONCE_BYTES) throw TOO_LONG
    super.grow(count)
  }
}

/** What stands in a request beside the answer's limits: a document without shapes. */
const noShapes = () => new ShapeTable({ load() {} })
const NO_SHAPES = noShapes()
const encoder = new DocumentEncoder()
const encoded = new ShortBuffer(1024)
/** How often `encoded` has been written. */
let encodings = 0

/** What the rows of an answer are. */
const RETURNS = Object.freeze({
  DOCUMENTS: 'documents',
  KEYS: 'keys',
  ENTRIES: 'entries',
  NEAREST: 'nearest',
  COUNT: 'count',
  EXPLAIN: 'explain',
  PAGE: 'page',
  PIPELINE: 'aggregate',
  PIPELINE_EXPLAIN: 'explainAggregate',
})

/**
 * Encodes a query as requests hold it, into memory that the next one overwrites: most queries are
 * asked at once, and once.
 *
 * @param {object} query plain data, in which no code of the user runs
 * @returns {{ encoding: number, length: number }} which of all encodings it is, and its bytes; a
 *   length of Infinity is that of a long query, which was not encoded
 */
function encodeQuery(query) {
  const writer = encoded
  writer.position = 0
  const encoding = ++encodings
  try {
    encoder.encode(query, NO_SHAPES, writer)
  } catch (error) {
    if (error !== TOO_LONG) throw error
    return { encoding, length: Infinity }
  } finally {
    // Field names of filters are no shapes of any store.
    NO_SHAPES.takeCandidates()
  }
  return { encoding, length: writer.position }
}

/** The bytes of the query that was encoded last, as text. */
function encodedText() {
  return encoded.buffer.latin1Slice(0, encoded.position)
}

/**
 * Encodes a long query, all at once.
 *
 * @param {object} query as for `encodeQuery`
 * @returns {Buffer}
 */
function encodeLong(query) {
  const writer = new WriteBuffer(AT_ONCE_BYTES)
  encoder.encode(query, noShapes(), writer)
  return writer.buffer.subarray(0, writer.position)
}

/**
 * Encodes a long query in pieces, between which the event loop turns.
 *
 * @param {object} query as for `encodeQuery`
 * @param {() => void} check called between pieces; what it throws ends the work
 * @returns {Promise<Buffer>}
 */
async function encodePaced(query, check) {
  const writer = new WriteBuffer(AT_ONCE_BYTES)
  const pieces = encodeInPieces(query, noShapes(), writer)
  const pacer = new Pacer()
  let due = true
  do {
    // The first turn was needed to copy the query.
    if (due) {
      await nextTurn()
      check()
    }
    due = pacer.isDue()
  } while (!pieces.next().done)
  return writer.buffer.subarray(0, writer.position)
}

/**
 * Writes the request that begins a query.
 *
 * @param {import('../codec').WriteBuffer} writer
 * @param {number} storeId
 * @param {{ rows: number, bytes: number, budget: number }} most what the answer may hold, and how
 *   many documents and entries are examined for it; a budget of 0 is none
 * @param {object} query as for `encodeQuery`
 * @param {number} encoding the one that `encodeQuery` made of it
 */
function writeQuery(writer, storeId, most, query, encoding) {
  if (encoding !== encodings) encodeQuery(query)
  writeEncoded(writer, storeId, most, encoded.buffer.subarray(0, encoded.position))
}

/** Writes the request that begins a long query; `query` is encoded. */
function writeEncoded(writer, storeId, { rows, bytes, budget }, query) {
  beginRequest(writer, READ.QUERY, 0, storeId, 0, rows, 0, bytes)
  writer.writeU32(budget)
  writer.writeU32(query.length)
  writer.writeBytes(query)
}

/**
 * Writes the request for the next rows of a query.
 *
 * @param {import('../codec').WriteBuffer} writer
 * @param {Buffer} execution what the last answer named
 */
function writeNext(writer, storeId, { rows, bytes, budget }, execution) {
  beginRequest(writer, READ.QUERY_NEXT, 0, storeId, 0, rows, 0, bytes)
  writer.writeU32(budget)
  writer.writeBytes(execution)
}

/** Writes the request that ends a query, on whichever thread it runs. */
function writeEnd(writer, execution) {
  beginRequest(writer, READ.QUERY_END, 0, 0, 0, 0, 0, 0)
  writer.writeBytes(execution)
}

module.exports = {
  RETURNS,
  encodeLong,
  encodePaced,
  encodeQuery,
  encodedText,
  writeEncoded,
  writeEnd,
  writeNext,
  writeQuery,
}
