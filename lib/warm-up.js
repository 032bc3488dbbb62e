'use strict'

const { CatalogReader } = require('./catalog-reader')
const { createMissing } = require('./schema')

/** A store with an index, as the native library describes them, and as `checkStores` does. */
const CATALOG = JSON.stringify({
  version: 0,
  databaseVersion: 0,
  stores: [
    {
      id: 1,
      name: 'store',
      keyPath: 'id',
      autoIncrement: false,
      key: null,
      compression: 'none',
      origin: 'native',
      count: 0,
      indexes: [
        {
          id: 1,
          name: 'index',
          keyPath: 'field',
          parts: [{ path: 'field', descending: false }],
          compound: false,
          unique: false,
          multiEntry: false,
          sparse: false,
          where: null,
          collation: null,
          state: 'ready',
          origin: 'native',
          count: 0,
        },
      ],
      vectors: [],
    },
  ],
})
const STORES = JSON.parse(CATALOG).stores

let isDone = false

/**
 * Goes once through what an open does when its files are open. V8 compiles a function when it is
 * called for the first time, which takes longer than what the function does; this does it while the
 * thread has to wait for the one that opens the files. Once in a process.
 *
 * @param {boolean} hasStores whether stores are to be compared with those that there are
 */
function warmUp(hasStores) {
  if (isDone) return
  isDone = true
  // The catalog is read for nobody, so it needs no encoder and decoder of a connection.
  const catalog = new CatalogReader({}).read(CATALOG)
  // Nothing is missing, so nothing is created.
  if (hasStores) void createMissing({ newest: { catalog } }, STORES)
}

module.exports = { warmUp }
