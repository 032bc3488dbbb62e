'use strict'

const ambient = require('./ambient')

/** The view of the newest state, which calls outside of transactions and snapshots use. */
class NewestView {
  /** @param {import('./connection').Connection} connection */
  constructor(connection) {
    this.connection = connection
    this.memory = connection.memory
    this.turn = connection.turn
    this.snapshot = 0
    this.interactive = false
    /** Names of the only stores that may be used; null for all. */
    this.allowed = null
    /** @type {import('./catalog').Catalog | null} */
    this.catalog = null
    /** The state that the catalog was compared with in this turn. */
    this.transactionId = 0
  }

  /**
   * The view that a call made now uses: the transaction or snapshot that the calling code runs in,
   * or this one.
   *
   * @throws {LodestoreError} CLOSED, TX_INACTIVE
   */
  current() {
    if (ambient.isCarried()) {
      const scope = ambient.scopeOf(this.connection, true)
      if (scope != null) return scope.current()
    }
    if (!this.turn.compared || this.memory.lastTransactionId() !== this.transactionId) {
      this.compareCatalog()
    }
    return this
  }

  /** Whether a read that was begun here may go on. @throws {LodestoreError} CLOSED */
  checkOpen() {
    this.connection.checkOpen()
  }

  compareCatalog() {
    this.connection.checkOpen()
    this.refreshCatalog()
    // Of the state that was read: a newer one may have been announced that cannot be read yet.
    this.transactionId = this.memory.transactionIdOf(0)
    this.turn.compared = true
  }

  /** Reads the catalog again if it has changed, by whichever process. */
  refreshCatalog() {
    const { native, catalogs } = this.connection
    if (this.catalog !== null && native.catalogVersion() === this.catalog.version) return
    this.catalog = catalogs.read(native.catalog(0))
  }

  /** The store of this name. @throws {LodestoreError} STORE_NOT_FOUND */
  definition(name) {
    return this.catalog.store(name)
  }

  /** Where writes go. */
  get queue() {
    return this.connection.queue
  }

  /** Where the writes of a call go. */
  writes() {
    return this.connection.queue
  }

  /** The names of the store and index with these ids, for events. */
  namesOf({ storeId, indexId }) {
    const store = [...this.catalog.stores.values()].find(({ id }) => id === storeId)
    const indexes = [...(store?.indexes.values() ?? []), ...(store?.vectors.values() ?? [])]
    const index = indexes.find(({ id }) => id === indexId)
    return { store: store?.name, index: index?.name }
  }
}

module.exports = { NewestView }
