'use strict'

const os = require('node:os')
const { version } = require('../../package.json')
const { boolean, checkOptions } = require('../options/check')

/**
 * A summary of a database for bug reports: versions, settings, figures, and the structure of its
 * stores. It has no documents, keys, paths or secrets; names are numbered, unless they are asked
 * for.
 *
 * @param {import('../database').Database} db
 * @param {import('../connection').Connection} connection
 * @param {unknown} options as the caller gave them
 */
async function diagnose(db, connection, options) {
  const { names = false } = checkOptions('diagnostics', options, { names: boolean })
  const stats = await db.stats()
  delete stats.uuid
  const { stores } = connection.newest.current().catalog
  const described = [...stores.values()].map((store, i) => describeStore(store, i + 1, names))
  for (const [i, { name }] of [...stores.values()].entries()) {
    described[i].documents = await db.store(name).count()
  }
  return {
    lodestore: version,
    node: process.version,
    runtime: runtimeOf(),
    platform: `${process.platform} ${process.arch}`,
    system: `${os.type()} ${os.release()}`,
    cpus: os.cpus().length,
    memory: os.totalmem(),
    space: connection.space !== undefined,
    inMemory: connection.path === ':memory:',
    mode: connection.mode,
    durability: connection.durability,
    stats,
    stores: described,
  }
}

function runtimeOf() {
  return ['bun', 'deno', 'electron'].find((name) => name in process.versions) ?? 'node'
}

function describeStore(store, number, names) {
  const path = (keyPath) => (names || keyPath === null ? keyPath : shapeOf(keyPath))
  return {
    name: names ? store.name : `store ${number}`,
    keyPath: path(store.keyPath),
    autoIncrement: store.autoIncrement,
    key: store.key,
    compression: store.compression,
    documents: 0,
    indexes: [...store.indexes.values()].map((index, i) => ({
      name: names ? index.name : `index ${i + 1}`,
      on: names ? index.on : shapeOf(index.on),
      unique: index.unique,
      multiEntry: index.multiEntry,
      sparse: index.sparse,
      partial: index.where !== null,
      collation: index.collation?.locale ?? null,
      state: index.state,
    })),
    vectors: [...store.vectors.values()].map((index, i) => ({
      name: names ? index.name : `vector index ${i + 1}`,
      on: names ? index.on : shapeOf(index.on),
      dimensions: index.dimensions,
      metric: index.metric,
      ...index.graph,
      state: index.state,
    })),
  }
}

/** How many fields a path or several have, and how deep they are, without their names. */
function shapeOf(on) {
  const shape = (path) =>
    path
      .split('.')
      .map(() => 'field')
      .join('.')
  return Array.isArray(on) ? on.map(shape) : shape(on)
}

module.exports = { diagnose }
