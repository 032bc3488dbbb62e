'use strict'

const { randomUUID } = require('node:crypto')
const { createWriteStream } = require('node:fs')
const { open, rename, rm } = require('node:fs/promises')
const { dirname, resolve } = require('node:path')
const { Readable, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { aborted } = require('../call')
const { fileError } = require('./file-error')

/** Text is gathered until it is worth a write. */
const PIECE = 64 << 10

/** What an export writes to: a path, or a stream. */
function isDestination(value) {
  return (typeof value === 'string' && value !== '') || value instanceof Writable
}

/**
 * Writes text. A file gets its name when it is complete and on disk; a stream is ended.
 *
 * @param {string | Writable} destination
 * @param {AsyncIterable<string>} texts
 * @param {AbortSignal | undefined} signal
 * @throws {LodestoreError} PERMISSION, DISK_FULL, NOT_FOUND or IO for a file; ABORTED
 */
async function writeTo(destination, texts, signal) {
  try {
    if (typeof destination === 'string') await writeFile(resolve(destination), texts, signal)
    else await pipeline(Readable.from(pieces(texts)), destination, { signal })
  } catch (error) {
    throw signal?.aborted ? aborted(signal) : error
  }
}

async function writeFile(path, texts, signal) {
  const unfinished = `${path}.${randomUUID()}.partial`
  try {
    const stream = createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(Readable.from(pieces(texts)), stream, { signal })
    await rename(unfinished, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(unfinished, { force: true })
    throw fileError(error, `cannot write '${path}'`)
  }
}

/** A name is on disk when its directory is; Windows does not open directories, nor need it. */
async function syncDirectory(path) {
  if (process.platform === 'win32') return
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function* pieces(texts) {
  let piece = ''
  for await (const text of texts) {
    piece += text
    if (piece.length < PIECE) continue
    yield Buffer.from(piece)
    piece = ''
  }
  if (piece !== '') yield Buffer.from(piece)
}

module.exports = { isDestination, writeTo }
