'use strict'

const { createReadStream } = require('node:fs')
const { describe, invalidArgument } = require('../options/check')
const { fileError } = require('./file-error')

/** What an import reads: a path, or anything that gives pieces of bytes or text. */
function isSource(value) {
  if (typeof value === 'string') return value !== ''
  if (typeof value !== 'object' || value === null) return false
  return Symbol.asyncIterator in value || Symbol.iterator in value
}

/**
 * The bytes of a source, piece by piece.
 *
 * @param {string | AsyncIterable<unknown> | Iterable<unknown>} source
 * @returns {AsyncGenerator<Buffer>}
 * @throws {LodestoreError} NOT_FOUND, PERMISSION or IO for a file; INVALID_ARGUMENT for pieces that
 *   are neither bytes nor text
 */
async function* bytesOf(source) {
  if (typeof source === 'string') {
    try {
      yield* createReadStream(source)
    } catch (error) {
      throw fileError(error, `cannot read '${source}'`)
    }
    return
  }
  for await (const piece of source) {
    if (typeof piece === 'string') yield Buffer.from(piece)
    else if (piece instanceof Uint8Array) {
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    } else {
      const message = `importFrom: source must give bytes or text, not ${describe(piece)}`
      throw invalidArgument(message, 'source')
    }
  }
}

module.exports = { bytesOf, isSource }
