'use strict'

const { Catalog } = require('./catalog')
const { StoreState } = require('./store-state')

/**
 * Reads catalogs. They share what a connection knows of each store, and it goes with the last of
 * them that has the store.
 */
class CatalogReader {
  /** @param {import('./connection').Connection} connection */
  constructor(connection) {
    this.connection = connection
    /** @type {Map<number, WeakRef<StoreState>>} */
    this.states = new Map()
  }

  /** @param {string} json as the native library describes a catalog */
  read(json) {
    const catalog = new Catalog(JSON.parse(json), this)
    for (const [id, state] of this.states) {
      if (state.deref() === undefined) this.states.delete(id)
    }
    return catalog
  }

  stateOf(description) {
    let state = this.states.get(description.id)?.deref()
    // The id of a store whose creation was rolled back may be given to another one.
    if (state === undefined || !state.describes(description)) {
      state = new StoreState(this.connection, description)
      this.states.set(description.id, new WeakRef(state))
    }
    state.name = description.name
    return state
  }
}

module.exports = { CatalogReader }
