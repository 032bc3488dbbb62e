'use strict'

const { Promise } = require('./globals')

/**
 * Reads blobs, whose bytes can only be had asynchronously.
 *
 * @param {Iterable<Blob>} blobs
 * @returns {Promise<Map<Blob, Uint8Array>>}
 */
async function readBlobs(blobs) {
  const bytes = new Map()
  await Promise.all(
    Array.from(blobs, async (blob) => bytes.set(blob, new Uint8Array(await blob.arrayBuffer()))),
  )
  return bytes
}

module.exports = { readBlobs }
