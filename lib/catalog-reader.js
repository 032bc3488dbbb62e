'use strict'

const { Catalog } = require('./catalog')
const { StoreState } = require('./store-state')

/** Reads catalogs; keeps what a connection knows of each store, over all of them. */
class CatalogReader {
  /** @param {import('./connection').Connection} connection */
  constructor(connection) {
    this.connection = connection
    /** @type {Map<number, StoreState>} */
    this.states = new Map()
  }

  /** @param {string} json as the native library describes a catalog */
  read(json) {
    return new Catalog(JSON.parse(json), (description) => this.stateOf(description))
  }

  stateOf(description) {
    let state = this.states.get(description.id)
    // The id of a store whose creation was rolled back may be given to another one.
    if (state === undefined || !state.describes(description)) {
      state = new StoreState(this.connection, description)
      this.states.set(description.id, state)
    }
    state.name = description.name
    return state
  }
}

module.exports = { CatalogReader }
