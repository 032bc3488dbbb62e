'use strict'

/**
 * The tags of the document format (docs/format.md). Tags below 0x40 are the integers 0 to 63,
 * 0x40 to 0x7f Latin-1 strings of 0 to 63 bytes, 0x80 to 0xbf objects of a shape.
 */
const TAG = Object.freeze({
  SHORT_STRING: 0x40,
  SHAPED: 0x80,
  SHORT_ARRAY: 0xc0,
  HOLES: 0xcf,
  NULL: 0xd0,
  UNDEFINED: 0xd1,
  FALSE: 0xd2,
  TRUE: 0xd3,
  HOLE: 0xd4,
  U8: 0xd5,
  U16: 0xd6,
  I32: 0xd7,
  NEGATIVE_U8: 0xd8,
  F64: 0xd9,
  LATIN1_U8: 0xda,
  LATIN1_U32: 0xdb,
  UTF8_U8: 0xdc,
  UTF8_U32: 0xdd,
  UTF16: 0xde,
  ARRAY: 0xdf,
  INLINE: 0xe0,
  INLINE_AGAIN: 0xe1,
  WITH_REFERENCES: 0xe2,
  REFERENCE: 0xe3,
  DATE: 0xe4,
  BIGINT: 0xe5,
  MAP: 0xe6,
  SET: 0xe7,
  REGEXP: 0xe8,
  ERROR: 0xe9,
  BINARY: 0xea,
  BOXED: 0xeb,
  NAMED_ARRAY: 0xec,
  SPARSE_ARRAY: 0xed,
  BLOB: 0xee,
  WIDE_INLINE: 0xef,
})

/** Containers within containers; deeper is DATA_CLONE when written, CORRUPT when read. */
const MAX_DEPTH = 1000
/** Bytes of one document. */
const MAX_DOCUMENT_BYTES = 2 ** 30
/** Shapes of one store. */
const MAX_SHAPES = 8000
/** Fields of a shape. */
const MAX_SHAPE_FIELDS = 128
/** A run of holes of this length, in an array of 8 or more, is written as one item. */
const HOLE_RUN = 6

/** Error types by their number in the format. */
const ERROR_TYPES = Object.freeze([
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'DOMException',
])
const DOM_EXCEPTION = 8

/** Binary types by their number in the format. */
const BINARY_TYPES = Object.freeze([
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
])

module.exports = {
  TAG,
  MAX_DEPTH,
  MAX_DOCUMENT_BYTES,
  MAX_SHAPES,
  MAX_SHAPE_FIELDS,
  HOLE_RUN,
  ERROR_TYPES,
  DOM_EXCEPTION,
  BINARY_TYPES,
}
