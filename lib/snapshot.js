'use strict'

const { asyncDispose, dispose } = require('./dispose')
const { Store } = require('./store')

/** One state of the database, to be read for as long as it is open. */
class Snapshot {
  #view

  /** @param {import('./pinned-view').PinnedView} view */
  constructor(view) {
    this.#view = view
  }

  /** The names of the stores, in order. */
  get storeNames() {
    return [...this.#view.current().catalog.storeNames]
  }

  /** Whether it was closed. */
  get closed() {
    return this.#view.ended || this.#view.connection.closed
  }

  /** A store, as this snapshot has it. */
  store(name) {
    return new Store(this.#view, name)
  }

  /** Lets go of the state. Idempotent. */
  close() {
    this.#view.close()
  }

  [dispose]() {
    this.close()
  }

  async [asyncDispose]() {
    this.close()
  }
}

module.exports = { Snapshot }
