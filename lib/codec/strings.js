'use strict'

const { TAG } = require('./tags')

/** Shorter strings are copied by a loop; a native call costs more. */
const LOOP_BELOW = 24
const NOT_LATIN1 = /[^\x00-\xff]/

/**
 * Writes a string at `writer.position`: Latin-1 where every code unit is below 256, else UTF-8
 * where it is well-formed and takes at most 255 bytes or no more than UTF-16, else UTF-16.
 *
 * @param {import('./write-buffer').WriteBuffer} writer
 * @param {string} string
 */
function writeString(writer, string) {
  const length = string.length
  if (length < LOOP_BELOW) {
    if (writer.position > writer.limit) writer.grow(LOOP_BELOW)
    const end = copyLatin1(writer.buffer, writer.position + 1, string, length)
    if (end < 0) return writeWide(writer, string)
    writer.buffer[writer.position] = TAG.SHORT_STRING + length
    writer.position = end
    return
  }
  writeLongString(writer, string, length)
}

/**
 * Copies a short string as Latin-1.
 *
 * @returns the position behind it, or -1 if a code unit does not fit a byte
 */
function copyLatin1(buffer, position, string, length) {
  for (let i = 0; i < length; i++) {
    const unit = string.charCodeAt(i)
    if (unit > 0xff) return -1
    buffer[position++] = unit
  }
  return position
}

function writeLongString(writer, string, length) {
  const start = writer.position
  if (length < 256) {
    writer.ensure(2 + 3 * length)
    const head = length < 64 ? 1 : 2
    const written = writer.buffer.utf8Write(string, start + head, 3 * length)
    if (written !== length) {
      if (NOT_LATIN1.test(string)) return writeWide(writer, string)
      writer.buffer.latin1Write(string, start + head, length)
    }
    if (head === 1) {
      writer.buffer[start] = TAG.SHORT_STRING + length
    } else {
      writer.buffer[start] = TAG.LATIN1_U8
      writer.buffer[start + 1] = length
    }
    writer.position = start + head + length
    return
  }
  if (NOT_LATIN1.test(string)) return writeWide(writer, string)
  writer.ensure(5 + length)
  writer.buffer[start] = TAG.LATIN1_U32
  writer.view.setUint32(start + 1, length, true)
  writer.buffer.latin1Write(string, start + 5, length)
  writer.position = start + 5 + length
}

/** Writes a string in which some code unit is above 255. */
function writeWide(writer, string) {
  const utf16Bytes = string.length * 2
  if (string.isWellFormed()) {
    const bytes = Buffer.byteLength(string)
    if (bytes <= 255 || bytes <= utf16Bytes) {
      writer.ensure(5 + bytes)
      const start = writer.position
      const head = bytes <= 255 ? 2 : 5
      if (head === 2) {
        writer.buffer[start] = TAG.UTF8_U8
        writer.buffer[start + 1] = bytes
      } else {
        writer.buffer[start] = TAG.UTF8_U32
        writer.view.setUint32(start + 1, bytes, true)
      }
      writer.buffer.utf8Write(string, start + head, bytes)
      writer.position = start + head + bytes
      return
    }
  }
  writer.ensure(5 + utf16Bytes)
  const start = writer.position
  writer.buffer[start] = TAG.UTF16
  writer.view.setUint32(start + 1, utf16Bytes, true)
  writer.buffer.ucs2Write(string, start + 5, utf16Bytes)
  writer.position = start + 5 + utf16Bytes
}

module.exports = { writeString, copyLatin1, LOOP_BELOW }
