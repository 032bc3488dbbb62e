'use strict'

/** Reads a row that is JSON. @param {import('../row-chunk').RowChunk} chunk */
function nextJson(chunk) {
  const start = chunk.skipRow()
  return JSON.parse(chunk.buffer.utf8Slice(start, chunk.at))
}

module.exports = { nextJson }
