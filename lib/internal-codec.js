'use strict'

const { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } = require('./codec')

/*
 * Documents that are not of any store: catalogs, schema changes, error reports, events. They have
 * no shapes, and an encoder and decoder of their own: one may be needed in the middle of a user's.
 */

const NO_SHAPES = new ShapeTable({ load() {} })
const encoder = new DocumentEncoder()
const decoder = new DocumentDecoder()

/** @param {Uint8Array} bytes */
function decodeInternal(bytes) {
  try {
    return decoder.decode(bytes, 0, bytes.length, NO_SHAPES)
  } finally {
    decoder.release()
  }
}

/** @param {unknown} value of plain data @returns {Buffer} */
function encodeInternal(value) {
  const writer = new WriteBuffer(512)
  encoder.encode(value, NO_SHAPES, writer)
  return writer.buffer.subarray(0, writer.position)
}

/** For requests that hold values of the user, which an encoder of documents writes. */
const REQUEST_SHAPES = new ShapeTable({ load() {} })

module.exports = { REQUEST_SHAPES, decodeInternal, encodeInternal }
