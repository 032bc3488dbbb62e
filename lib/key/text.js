'use strict'

/*
 * Strings in keys: each UTF-16 code unit as UTF-8 would encode it (so surrogates take three bytes
 * each and the order is that of the units), 0 as `01 01`, 1 as `01 02`, then END. See
 * src/key/text.rs and docs/format.md.
 */

const { END, TAG_STRING } = require('./tags.js')
const { corruptKey } = require('./key-errors.js')

/** Below this length a loop writes faster than a native call. */
const SHORT_WRITE = 24
/** Up to this length `fromCharCode` reads faster than a native call. */
const SHORT_READ = 12
/** Units that do not encode as their UTF-8. */
const NOT_UTF8 = /[\u0000\u0001\ud800-\udfff]/

const unitChunk = new Uint16Array(1024)

/**
 * Writes a string.
 * @param {string} text
 * @param {Buffer} buffer
 * @param {number} offset
 * @returns {number} the end, or minus the length that `buffer` needs
 */
function writeText(text, buffer, offset) {
  const length = text.length
  if (length >= SHORT_WRITE) return writeLongText(text, buffer, offset)
  const worst = offset + 2 + 3 * length
  if (worst > buffer.length) return -worst
  buffer[offset++] = TAG_STRING
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80 && unit > 1) buffer[offset++] = unit
    else offset = writeUnit(unit, buffer, offset)
  }
  buffer[offset] = END
  return offset + 1
}

function writeLongText(text, buffer, offset) {
  const isUtf8 = !NOT_UTF8.test(text)
  if (offset + 2 + 3 * text.length > buffer.length) {
    const needed = offset + 2 + (isUtf8 ? Buffer.byteLength(text) : encodedLength(text))
    if (needed > buffer.length) return -needed
  }
  buffer[offset++] = TAG_STRING
  if (isUtf8) {
    offset += buffer.utf8Write(text, offset)
  } else {
    for (let i = 0; i < text.length; i++) offset = writeUnit(text.charCodeAt(i), buffer, offset)
  }
  buffer[offset] = END
  return offset + 1
}

function encodedLength(text) {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x800) bytes += 2
    else if (unit >= 0x80 || unit < 2) bytes += 1
  }
  return bytes
}

function writeUnit(unit, buffer, offset) {
  if (unit < 0x80) {
    if (unit < 2) {
      buffer[offset++] = 1
      unit++
    }
    buffer[offset++] = unit
  } else if (unit < 0x800) {
    buffer[offset++] = 0xc0 | (unit >>> 6)
    buffer[offset++] = 0x80 | (unit & 0x3f)
  } else {
    buffer[offset++] = 0xe0 | (unit >>> 12)
    buffer[offset++] = 0x80 | ((unit >>> 6) & 0x3f)
    buffer[offset++] = 0x80 | (unit & 0x3f)
  }
  return offset
}

/**
 * Reads the string at `cursor.offset` and moves it behind.
 * @param {Buffer} buffer
 * @param {{ offset: number }} cursor
 * @param {number} end
 * @returns {string}
 */
function readText(buffer, cursor, end) {
  const start = cursor.offset
  let offset = start
  while (offset < end && (buffer[offset] - 2) >>> 0 < 0x7e) offset++
  if (offset >= end) throw corruptKey('a string has no end')
  if (buffer[offset] !== END) return readUnits(buffer, cursor, end)
  cursor.offset = offset + 1
  return offset - start > SHORT_READ
    ? buffer.latin1Slice(start, offset)
    : ascii(buffer, start, offset)
}

function ascii(buffer, offset, end) {
  let text = ''
  for (; end - offset >= 4; offset += 4) {
    text += String.fromCharCode(
      buffer[offset],
      buffer[offset + 1],
      buffer[offset + 2],
      buffer[offset + 3],
    )
  }
  switch (end - offset) {
    case 3:
      return text + String.fromCharCode(buffer[offset], buffer[offset + 1], buffer[offset + 2])
    case 2:
      return text + String.fromCharCode(buffer[offset], buffer[offset + 1])
    case 1:
      return text + String.fromCharCode(buffer[offset])
    default:
      return text
  }
}

function readUnits(buffer, cursor, end) {
  let offset = cursor.offset
  let text = ''
  let count = 0
  for (;;) {
    if (offset >= end) throw corruptKey('a string has no end')
    const first = buffer[offset++]
    if (first === END) break
    const left = end - offset
    let unit = first
    if (first === 1) {
      const escaped = left > 0 ? buffer[offset++] : 0
      if (escaped !== 1 && escaped !== 2) throw corruptKey('a string')
      unit = escaped - 1
    } else if (first >= 0xe0 && first < 0xf0 && left >= 2) {
      const second = buffer[offset++]
      const third = buffer[offset++]
      unit = ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
      if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80 || unit < 0x800) {
        throw corruptKey('a string')
      }
    } else if (first >= 0xc2 && first < 0xe0 && left >= 1) {
      const second = buffer[offset++]
      unit = ((first & 0x1f) << 6) | (second & 0x3f)
      if ((second & 0xc0) !== 0x80) throw corruptKey('a string')
    } else if (first >= 0x80) {
      throw corruptKey('a string')
    }
    unitChunk[count++] = unit
    if (count === unitChunk.length) {
      text += String.fromCharCode.apply(null, unitChunk)
      count = 0
    }
  }
  cursor.offset = offset
  return text + String.fromCharCode.apply(null, unitChunk.subarray(0, count))
}

module.exports = { writeText, readText }
