'use strict'

const { decodeInternal, encodeInternal } = require('../internal-codec')
const { OP, writeValueOperation } = require('../operations')

/**
 * Sends a change of the schema.
 *
 * @param {import('../transaction-level').TransactionLevel} level
 * @param {object} document
 * @returns {Promise<object>} the answer
 */
async function apply(level, document) {
  const queue = level.writes()
  const batch = queue.open()
  writeValueOperation(batch.writer, OP.SCHEMA, encodeInternal(document))
  queue.append(batch)
  const at = queue.lastAt
  await batch.settled
  return decodeInternal(batch.result(at))
}

/** What upgrades do, in the database. */
const appendSchema = {
  async createStore(level, info, name) {
    const { keyPath, autoIncrement } = info
    const document = { op: 'createStore', name, keyPath, autoIncrement, origin: 'indexeddb' }
    const { storeId } = await apply(level, document)
    const description = { id: storeId, name, keyPath, autoIncrement, key: null }
    info.state = level.connection.catalogs.stateOf(description)
  },

  async deleteStore(level, info) {
    await apply(level, { op: 'deleteStore', store: info.state.id })
  },

  async renameStore(level, info, name) {
    await apply(level, { op: 'renameStore', store: info.state.id, name })
  },

  async createIndex(level, index, name) {
    const { keyPath, unique, multiEntry } = index
    const { indexId } = await apply(level, {
      op: 'createIndex',
      store: index.store.state.id,
      name,
      keyPath,
      parts: index.parts,
      compound: Array.isArray(keyPath),
      unique,
      multiEntry,
      origin: 'indexeddb',
    })
    index.id = indexId
  },

  async deleteIndex(level, index) {
    await apply(level, { op: 'deleteIndex', store: index.store.state.id, index: index.id })
  },

  async renameIndex(level, index, name) {
    await apply(level, {
      op: 'renameIndex',
      store: index.store.state.id,
      index: index.id,
      name,
    })
  },

  async setVersion(level, version) {
    await apply(level, { op: 'setVersion', version })
  },
}

module.exports = { appendSchema }
