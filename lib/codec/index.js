'use strict'

/** The document codec: values to bytes and back (docs/format.md). */

const { ShapeTable } = require('./shapes')
const { DocumentEncoder } = require('./encode')
const { encodeInPieces } = require('./encode-pieces')
const { DocumentDecoder } = require('./decode')
const { WriteBuffer } = require('./write-buffer')
const { collectBlobs } = require('./locate')
const { refuseInterface } = require('./classify')

module.exports = {
  ShapeTable,
  DocumentEncoder,
  DocumentDecoder,
  WriteBuffer,
  collectBlobs,
  encodeInPieces,
  refuseInterface,
}
