'use strict'

const { isUtf8 } = require('node:buffer')
const { badLine } = require('./bad-line')

const NEWLINE = 0x0a
const RETURN = 0x0d
/** Longer lines than a string may be are not read. */
const MOST_BYTES = 2 ** 29 - 32

/**
 * A part of a source.
 *
 * @typedef {object} Part
 * @property {number} line where it begins, from 1
 * @property {string} [text]
 * @property {Error} [error] why there is no text
 */

/**
 * Lines of text, without the empty ones.
 *
 * @param {AsyncIterable<Buffer>} pieces
 * @returns {AsyncGenerator<Part>}
 */
async function* linesOf(pieces) {
  let line = 1
  let begun = []
  let length = 0
  for await (const piece of withoutMark(pieces)) {
    let from = 0
    for (let to = piece.indexOf(NEWLINE); to >= 0; to = piece.indexOf(NEWLINE, from)) {
      begun.push(piece.subarray(from, to))
      yield* lineOf(begun, length + to - from, line++)
      begun = []
      length = 0
      from = to + 1
    }
    // What will not be read is not kept.
    length += piece.length - from
    if (length <= MOST_BYTES) begun.push(piece.subarray(from))
  }
  yield* lineOf(begun, length, line)
}

function* lineOf(pieces, length, line) {
  if (length > MOST_BYTES) {
    yield { line, error: badLine(line, `it is longer than ${MOST_BYTES} bytes`) }
    return
  }
  let bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
  if (bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1)
  if (bytes.length === 0) return
  if (isUtf8(bytes)) yield { line, text: bytes.utf8Slice() }
  else yield { line, error: badLine(line, 'it is not UTF-8') }
}

/** The pieces without a byte order mark at their beginning. */
async function* withoutMark(pieces) {
  let head = Buffer.alloc(0)
  for await (const piece of pieces) {
    if (head === null) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    if (head.length < 3) continue
    yield hasMark(head) ? head.subarray(3) : head
    head = null
  }
  if (head !== null && head.length > 0) yield head
}

function hasMark(bytes) {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

/**
 * The same text in pieces of strings, without a byte order mark.
 *
 * @param {AsyncIterable<Buffer>} pieces
 * @returns {AsyncGenerator<string>}
 */
async function* textOf(pieces) {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const piece of pieces) yield decoder.decode(piece, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (error.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw badLine(undefined, 'the source is not UTF-8')
  }
}

module.exports = { linesOf, textOf }
