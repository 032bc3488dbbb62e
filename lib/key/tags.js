'use strict'

/*
 * The first byte of each component of an encoded key; src/key/mod.rs has the same constants and
 * docs/format.md defines them.
 */
module.exports = {
  TAG_NULL: 0x10,
  TAG_FALSE: 0x20,
  TAG_TRUE: 0x28,
  TAG_NUMBER: 0x30,
  TAG_DATE: 0x40,
  TAG_STRING: 0x50,
  TAG_BINARY: 0x60,
  TAG_ARRAY: 0x70,
  TAG_OBJECT: 0x80,
  /** First byte of an index's residual class, after all components in either direction. */
  TAG_RESIDUAL: 0xf0,
  /** Ends strings, binary keys and arrays. */
  END: 0x00,
  /** How deep arrays may nest: `[[1]]` is two deep. */
  MAX_DEPTH: 1000,
  /** The longest encoded key, in bytes. */
  MAX_KEY_BYTES: 64 * 1024 * 1024,
}
