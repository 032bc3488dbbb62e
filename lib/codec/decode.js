'use strict'

const { isUtf8 } = require('node:buffer')
const { LodestoreError } = require('../errors')
const { TAG, MAX_DEPTH } = require('./tags')

const FIRST_WINDOW = 256
/** A kept string retains the window it was cut from, so windows stay small. */
const LAST_WINDOW = 1024

/** Reads documents (docs/format.md). What it returns shares no memory with the input. */
class DocumentDecoder {
  constructor() {
    this.buffer = null
    this.position = 0
    this.end = 0
    /** Where the root value begins; offsets in the document count from here. */
    this.start = 0
    this.depth = 0
    /** A stretch of the document as a Latin-1 string, which short strings are cut from. */
    this.window = ''
    this.windowStart = 0
    this.windowEnd = 0
    this.windowSize = FIRST_WINDOW
    /** How far a window may reach: to the document's end, or to that of several. */
    this.limit = 0
    /** @type {Buffer | null} the buffer of a sequence, while the window belongs to it */
    this.sequence = null
    this.shapes = null
    /** @type {Map<number, object> | null} objects by offset, in documents with references */
    this.references = null
    this.inlineObjects = new InlineObjects()
    this.view = null
  }

  /**
   * Reads the document in `buffer` from `offset` to `end`.
   *
   * @param {Buffer} buffer
   * @param {number} offset
   * @param {number} end
   * @param {import('./shapes').ShapeTable} shapes the store's
   * @returns {unknown}
   * @throws {LodestoreError} CORRUPT if the bytes are not exactly one document
   */
  decode(buffer, offset, end, shapes) {
    this.sequence = null
    this.windowEnd = 0
    this.windowSize = FIRST_WINDOW
    this.limit = end
    return this.read(buffer, offset, end, shapes)
  }

  /**
   * Begins to read documents that lie one behind the other, from the start of what is now in
   * `buffer`: strings of several are then cut from one window.
   */
  beginSequence(buffer) {
    this.sequence = buffer
    this.windowEnd = 0
  }

  /**
   * Reads the next document of a sequence; between two of them, the decoder may have read others.
   *
   * @param {number} limit where the last document of the sequence ends, or beyond
   */
  decodeNext(buffer, offset, end, shapes, limit) {
    if (this.sequence !== buffer || offset < this.windowStart) this.beginSequence(buffer)
    this.windowSize = LAST_WINDOW
    this.limit = limit
    return this.read(buffer, offset, end, shapes)
  }

  read(buffer, offset, end, shapes) {
    if (buffer !== this.buffer) {
      this.buffer = buffer
      this.view = null
    }
    this.position = offset
    this.start = offset
    this.end = end
    this.depth = 0
    this.shapes = shapes
    if (this.inlineObjects.count > 0) this.inlineObjects.clear()
    if (!(offset < end && end <= buffer.length)) corrupt('it is empty or cut off')
    if (buffer[offset] === TAG.WITH_REFERENCES) return this.decodeWithReferences()
    const value = readValue(this)
    if (this.position !== end) corrupt('it does not end where it should')
    return value
  }

  decodeWithReferences() {
    this.references = new Map()
    this.position++
    this.start++
    try {
      const value = readValue(this)
      if (this.position !== this.end) corrupt('it does not end where it should')
      return value
    } finally {
      this.references = null
    }
  }

  /** Forgets the last buffer, so that it can be collected. */
  release() {
    this.buffer = null
    this.sequence = null
    this.view = null
    this.window = ''
    this.windowEnd = 0
  }
}

function corrupt(what, cause) {
  throw new LodestoreError('CORRUPT', `A document is damaged: ${what}`, { cause })
}

/** Reads the value at the decoder's position and moves it. */
const readValue = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder) {
    const { buffer, position } = decoder
    const tag = buffer[position]
    if (tag < 0x40) {
      decoder.position = position + 1
      return tag
    }
    if (tag < 0x80) {
      const from = position + 1
      const to = from + tag - 0x40
      decoder.position = to
      if (to <= decoder.windowEnd) {
        const { windowStart } = decoder
        return decoder.window.slice(from - windowStart, to - windowStart)
      }
      return readBeyondWindow(decoder, from, to)
    }
    if (tag < 0xc0) {
      const id = ((tag & 0x3f) << 8) | buffer[position + 1]
      decoder.position = position + 2
      if (++decoder.depth > MAX_DEPTH || position + 2 > decoder.end) tooDeep(decoder)
      const reader = decoder.shapes.readers[id] ?? decoder.shapes.missingReader(id)
      const object =
        decoder.references === null ? reader(decoder) : readReferenced(decoder, id, position)
      decoder.depth--
      return object
    }
    return readTagged(decoder, tag, position + 1)
  }
)

function tooDeep(decoder) {
  corrupt(decoder.depth > MAX_DEPTH ? 'it is nested too deeply' : 'it is cut off')
}

/** Reads a string of Latin-1 bytes that reaches beyond the window, and takes the next window. */
const readBeyondWindow = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder, from, to) {
    const { buffer } = decoder
    if (to > decoder.end) corrupt('a string is cut off')
    const windowEnd = Math.min(decoder.limit, from + decoder.windowSize)
    const window = buffer.latin1Slice(from, windowEnd)
    decoder.window = window
    decoder.windowStart = from
    decoder.windowEnd = windowEnd
    if (decoder.windowSize < LAST_WINDOW) decoder.windowSize *= 2
    return window.slice(0, to - from)
  }
)

/** Checks that `count` bytes stand at the position, and moves behind them. */
const take = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder, count) {
    const { position } = decoder
    if (count > decoder.end - position) corrupt('a value is cut off')
    decoder.position = position + count
    return position
  }
)

const dataView = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder) {
    const { buffer } = decoder
    decoder.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    return decoder.view
  }
)

function readU32(decoder) {
  const at = take(decoder, 4)
  return (decoder.view ?? dataView(decoder)).getUint32(at, true)
}

const readF64 = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder) {
    const at = take(decoder, 8)
    return (decoder.view ?? dataView(decoder)).getFloat64(at, true)
  }
)

/** Reads a value whose tag is 0xc0 or more, from behind its tag. */
const readTagged = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder, tag, position) {
    decoder.position = position
    switch (tag) {
      case 0xc0:
      case 0xc1:
      case 0xc2:
      case 0xc3:
      case 0xc4:
      case 0xc5:
      case 0xc6:
      case 0xc7:
        return readArray(decoder, tag - TAG.SHORT_ARRAY, position - 1)
      case 0xd0: // null
        return null
      case 0xd1: // undefined
        return undefined
      case 0xd2: // false
        return false
      case 0xd3: // true
        return true
      case 0xd5: // u8
        return decoder.buffer[take(decoder, 1)]
      case 0xd6: {
        // u16
        const at = take(decoder, 2)
        return decoder.buffer[at] | (decoder.buffer[at + 1] << 8)
      }
      case 0xd7: {
        // i32
        const { buffer } = decoder
        const at = take(decoder, 4)
        return buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24)
      }
      case 0xd8: // -1 - u8
        return -1 - decoder.buffer[take(decoder, 1)]
      case 0xd9: // f64
        return readF64(decoder)
      case 0xda: // Latin-1, u8 length
        return readLatin1(decoder, decoder.buffer[take(decoder, 1)])
      case 0xdb: // Latin-1, u32 length
        return readLatin1(decoder, readU32(decoder))
      case 0xdc: // UTF-8, u8 length
        return readUtf8(decoder, decoder.buffer[take(decoder, 1)])
      case 0xdd: // UTF-8, u32 length
        return readUtf8(decoder, readU32(decoder))
      case 0xde: // UTF-16
        return readUtf16(decoder, readU32(decoder))
      case 0xdf: // array of 8 or more
        return readLongArray(decoder, position - 1)
      case 0xe4: // Date
        return readDate(decoder, position - 1)
      default:
        return readSpecial(decoder, tag, position - 1)
    }
  }
)

function readLatin1(decoder, length) {
  const from = take(decoder, length)
  if (length > 255) return decoder.buffer.latin1Slice(from, from + length)
  const to = from + length
  if (to > decoder.windowEnd) return readBeyondWindow(decoder, from, to)
  return decoder.window.slice(from - decoder.windowStart, to - decoder.windowStart)
}

function readUtf8(decoder, length) {
  const from = take(decoder, length)
  const { buffer } = decoder
  const text = buffer.utf8Slice(from, from + length)
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(from, from + length))) {
    corrupt('a string is not UTF-8')
  }
  return text
}

function readUtf16(decoder, length) {
  if (length % 2 !== 0) corrupt('a string has half a code unit')
  const from = take(decoder, length)
  return decoder.buffer.ucs2Slice(from, from + length)
}

function readDate(decoder, start) {
  const date = new Date(readF64(decoder))
  if (decoder.references !== null) decoder.references.set(start, date)
  return date
}

function readLongArray(decoder, start) {
  const bytes = readU32(decoder)
  const count = readU32(decoder)
  const end = decoder.position + bytes
  if (count > bytes || end > decoder.end) corrupt('an array is cut off')
  const array = readArray(decoder, count, start)
  if (decoder.position !== end) corrupt('an array has the wrong size')
  return array
}

/** Reads the elements of an array, of which some may be holes. */
const readArray = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder, count, start) {
    if (++decoder.depth > MAX_DEPTH || decoder.position > decoder.end) tooDeep(decoder)
    const array = new Array(count)
    if (decoder.references !== null) decoder.references.set(start, array)
    const { buffer } = decoder
    for (let i = 0; i < count; i++) {
      if (buffer[decoder.position] === TAG.HOLE) decoder.position++
      else array[i] = readValue(decoder)
    }
    decoder.depth--
    return array
  }
)

/** Reads an object of a shape in a document with references: it must exist before its fields. */
function readReferenced(decoder, id, start) {
  const object = {}
  decoder.references.set(start, object)
  return readFields(decoder, object, decoder.shapes.names[id])
}

module.exports = { DocumentDecoder, readValue, readArray, readU32, readF64, take, corrupt }

// These modules need the functions above.
const { readSpecial } = require('./decode-special')
const { readFields } = require('./fields')
const { InlineObjects } = require('./inline-objects')
