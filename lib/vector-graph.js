'use strict'

const { abortSignal, boolean, callback, checkOptions } = require('./options/check')
const { checkName } = require('./options/schema')

const OPTIONS = { rebuild: boolean, onProgress: callback, signal: abortSignal }

/**
 * Brings the graph of a vector index up to date, or builds it anew.
 *
 * @param {import('./connection').Connection} connection
 * @param {string} store
 * @param {string} index
 * @param {object} [options] as the caller gave them
 * @throws {LodestoreError} INVALID_ARGUMENT, STORE_NOT_FOUND, INDEX_NOT_FOUND, INDEX_NOT_READY,
 *   RESOURCE_LIMIT, ABORTED, CLOSED
 */
async function buildVectorGraph(connection, store, index, options) {
  checkName('buildVectorGraph', store, 'store')
  checkName('buildVectorGraph', index, 'index')
  const checked = checkOptions('buildVectorGraph', options, OPTIONS)
  const { rebuild = false, onProgress, signal } = checked
  connection.checkOpen()
  await connection.settleWrites()
  await connection.call((ticket) => connection.native.buildGraph(ticket, store, index, rebuild), {
    onProgress,
    signal,
  })
}

module.exports = { buildVectorGraph }
