'use strict'

/* Order-preserving keys; src/key/ is the same in Rust, docs/format.md defines the bytes. */

const tags = require('./tags.js')
const { compareKeys, compareIndexKeys, copyKey } = require('./compare.js')
const { decodeKey, decodeKeyAt, decodeIndexKey, lastOffset, skipKey } = require('./decode.js')
const {
  encodeKey,
  encodeIndexKey,
  encodeKeyToBuffer,
  encodeIndexKeyToBuffer,
} = require('./encode.js')
const { KeyRange, toRange } = require('./key-range.js')

module.exports = {
  ...tags,
  compareKeys,
  compareIndexKeys,
  copyKey,
  decodeKey,
  decodeKeyAt,
  decodeIndexKey,
  lastOffset,
  skipKey,
  encodeKey,
  encodeIndexKey,
  encodeKeyToBuffer,
  encodeIndexKeyToBuffer,
  KeyRange,
  toRange,
}
