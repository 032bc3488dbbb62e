'use strict'

const { DocumentEncoder, ShapeTable, WriteBuffer } = require('../codec')
const { READ, beginRequest } = require('../read-request')

/** What stands in a request beside the answer's limits: a document without shapes. */
const NO_SHAPES = new ShapeTable({ load() {} })
const encoder = new DocumentEncoder()
let encoded = new WriteBuffer(1024)
/** How often `encoded` has been written. */
let encodings = 0
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 64 << 10

/** What the rows of an answer are. */
const RETURNS = Object.freeze({
  DOCUMENTS: 'documents',
  KEYS: 'keys',
  ENTRIES: 'entries',
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
 * @returns {{ encoding: number, length: number }} which of all encodings it is, and its bytes
 */
function encodeQuery(query) {
  if (encoded.buffer.length > KEPT_BYTES) encoded = new WriteBuffer(1024)
  const writer = encoded
  writer.position = 0
  encoder.encode(query, NO_SHAPES, writer)
  // Field names of filters are no shapes of any store.
  NO_SHAPES.takeCandidates()
  return { encoding: ++encodings, length: writer.position }
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
function writeQuery(writer, storeId, { rows, bytes, budget }, query, encoding) {
  if (encoding !== encodings) encodeQuery(query)
  beginRequest(writer, READ.QUERY, 0, storeId, 0, rows, 0, bytes)
  writer.writeU32(budget)
  writer.writeU32(encoded.position)
  writer.writeBytes(encoded.buffer.subarray(0, encoded.position))
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

module.exports = { RETURNS, encodeQuery, writeEnd, writeNext, writeQuery }
