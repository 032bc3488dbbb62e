'use strict'

const { EventEmitter } = require('node:events')
const { resolve } = require('node:path')
const ambient = require('./ambient')
const { asyncDispose } = require('./dispose')
const { decodeInternal } = require('./internal-codec')
const { printReport, receiveEvent } = require('./native-event')
const { addKey, backupOptions, changePassphrase, removeKey, rotateKey } = require('./key-care')
const { checkLongWork } = require('./options/care')
const { checkArgument, invalidArgument, nonEmptyString } = require('./options/check')
const { checkFunction, checkNested, checkTransaction } = require('./options/transaction')
const { PinnedView } = require('./pinned-view')
const { Schema } = require('./schema')
const { Snapshot } = require('./snapshot')
const { Store } = require('./store')
const { Transaction, nested } = require('./transaction')
const { readOnlyTransaction } = require('./transaction-level')
const { TransactionSession } = require('./transaction-session')

/** What is seldom needed is loaded when it is: a sixth of all there is to load. */
const seldom = {
  buildVectorGraph: (...args) => require('./vector-graph').buildVectorGraph(...args),
  diagnose: (...args) => require('./care/diagnostics').diagnose(...args),
  exportTo: (...args) => require('./exchange/export').exportTo(...args),
  importFrom: (...args) => require('./exchange/import').importFrom(...args),
  verify: (...args) => require('./care/verify').verify(...args),
}

/** An open database. Emits 'warning', 'error' and 'close'. */
class Database extends EventEmitter {
  #connection
  /** @type {Map<string, Store>} */
  #stores = new Map()

  /** @param {import('./connection').Connection} connection */
  constructor(connection) {
    super()
    this.#connection = connection
    const reference = new WeakRef(this)
    connection.onEvent = (event) => {
      receiveEvent(connection, event, (type, error) => reference.deref()?.#report(type, error))
    }
  }

  /** What changes the schema; few programs do when they have opened a database. */
  get #schema() {
    return new Schema(this.#connection.newest)
  }

  /** The directory; ':memory:' for a database that vanishes on close. */
  get path() {
    return this.#connection.path
  }

  /** The name of the space, if this is one. */
  get space() {
    return this.#connection.space
  }

  /** Whether `close` was called. */
  get closed() {
    return this.#connection.closed
  }

  /** The names of the stores, in order. */
  get storeNames() {
    return [...this.#connection.newest.current().catalog.storeNames]
  }

  /** A store. */
  store(name) {
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = new Store(this.#connection.newest, name)
      if (this.#stores.size > 0) this.#forgetDeletedStores()
      this.#stores.set(name, store)
    } else {
      this.#connection.newest.current().definition(name)
    }
    return store
  }

  #forgetDeletedStores() {
    const { stores } = this.#connection.newest.catalog
    for (const name of this.#stores.keys()) {
      if (!stores.has(name)) this.#stores.delete(name)
    }
  }

  /** Creates a store. */
  async createObjectStore(name, options) {
    await this.#schema.createStore(name, options)
    return this.store(name)
  }

  /** Deletes a store with its documents and indexes. */
  async deleteObjectStore(name) {
    await this.#schema.deleteStore(name)
  }

  /** Renames a store. */
  async renameObjectStore(name, newName) {
    await this.#schema.renameStore(name, newName)
  }

  /** Creates an index on live data. */
  async createIndex(store, name, on, options) {
    await this.#schema.createIndex(store, name, on, options)
  }

  /** Creates a vector index on live data. */
  async createVectorIndex(store, name, on, options) {
    await this.#schema.createVectorIndex(store, name, on, options)
  }

  /** Brings the graph of a vector index up to date, or builds it anew. */
  async buildVectorGraph(store, index, options) {
    this.#refuseInside('buildVectorGraph', 'do it afterwards')
    await seldom.buildVectorGraph(this.#connection, store, index, options)
  }

  /** Deletes an index. */
  async deleteIndex(store, name) {
    await this.#schema.deleteIndex(store, name)
  }

  /** Renames an index. */
  async renameIndex(store, name, newName) {
    await this.#schema.renameIndex(store, name, newName)
  }

  /** Runs a function in a transaction: commits when it resolves, rolls back when it rejects. */
  async transaction(fn, options) {
    checkFunction('transaction', fn)
    const checked = checkTransaction('transaction', options)
    const connection = this.#connection
    const outer = ambient.scopeOf(connection, true)
    if (outer != null) return await runNested(outer.current(), checked, fn)
    if (checked.mode === 'readonly') return await this.#runReadOnly(checked.allowed, fn)
    const session = await TransactionSession.begin(connection, checked, true)
    return await session.run((level) => fn(new Transaction(level, session)))
  }

  async #runReadOnly(allowed, fn) {
    const connection = this.#connection
    const view = new PinnedView(connection, { allowed, inTransaction: true })
    try {
      return await ambient.runWith(connection, view, true, () => fn(readOnly(view)))
    } finally {
      view.close()
    }
  }

  /** Begins a transaction that is committed or rolled back by hand. */
  async begin(options) {
    const checked = checkTransaction('begin', options)
    const connection = this.#connection
    if (checked.mode === 'readonly') {
      return readOnly(new PinnedView(connection, { allowed: checked.allowed, inTransaction: true }))
    }
    this.#refuseInside('begin', 'use tx.savepoint(fn)')
    const session = await TransactionSession.begin(connection, checked, false)
    return new Transaction(session.root, session)
  }

  /** Refuses what waits for the end of the transaction that the calling code is in. */
  #refuseInside(method, instead) {
    if (!ambient.scopeOf(this.#connection, true)?.interactive) return
    throw invalidArgument(
      `${method}: inside a transaction of this database it would wait for itself; ${instead}, ` +
        'or db.outside(fn) without awaiting it',
    )
  }

  /** Runs a function whose calls on this database join no transaction. */
  outside(fn) {
    checkFunction('outside', fn)
    if (!ambient.isCarried()) return fn()
    return ambient.runWith(this.#connection, null, true, fn)
  }

  /** Pins the newest state, to be read until it is closed. */
  async snapshot() {
    return new Snapshot(new PinnedView(this.#connection, { allowed: null, inTransaction: false }))
  }

  /** The names of the spaces of this database. */
  async spaces() {
    const connection = this.#connection
    return decodeInternal(await connection.call((ticket) => connection.native.spaces(ticket)))
  }

  /** Deletes a space with everything in it. */
  async deleteSpace(name) {
    checkArgument('deleteSpace', name, nonEmptyString, 'name')
    this.#refuseInside('deleteSpace', 'do it afterwards')
    const { native } = this.#connection
    await this.#connection.call((ticket) => native.deleteSpace(ticket, name))
  }

  /** Figures about the database and its files. */
  async stats() {
    const connection = this.#connection
    connection.checkOpen()
    // What reads of this turn share is nobody's, and would count or not by when an answer came.
    connection.endTurn()
    return JSON.parse(connection.native.stats())
  }

  /** A summary for bug reports, without documents, keys, paths and secrets. */
  async diagnostics(options) {
    return await seldom.diagnose(this, this.#connection, options)
  }

  /** Waits until everything accepted is on disk. */
  async flush() {
    this.#refuseInside('flush', "give the transaction { durability: 'strict' }")
    const connection = this.#connection
    connection.checkOpen()
    connection.queue.flushAll()
    await connection.call((ticket) => connection.native.flush(ticket))
  }

  /** Copies the database while it is in use. */
  async backup(path, options) {
    checkArgument('backup', path, nonEmptyString, 'path')
    const { onProgress, signal, ...how } = await backupOptions(options)
    const connection = this.#connection
    connection.checkOpen()
    await connection.settleWrites()
    const target = resolve(path)
    await connection.call((ticket) => connection.native.backup(ticket, target, how), {
      onProgress,
      signal,
    })
  }

  /** Looks for damage, while the database is in use. */
  async verify(options) {
    return await seldom.verify(this.#connection, options)
  }

  /** Lets another passphrase or key open the database in the place of one that does. */
  async changePassphrase(current, next) {
    this.#refuseInside('changePassphrase', 'do it afterwards')
    await changePassphrase(this.#connection, current, next)
  }

  /** Lets one more passphrase or key open the database. */
  async addKey(current, additional) {
    this.#refuseInside('addKey', 'do it afterwards')
    await addKey(this.#connection, current, additional)
  }

  /** Lets a passphrase or key open the database no more. */
  async removeKey(secret) {
    this.#refuseInside('removeKey', 'do it afterwards')
    await removeKey(this.#connection, secret)
  }

  /** Replaces the key that encrypts the content, and encrypts everything anew. */
  async rotateKey(options) {
    this.#refuseInside('rotateKey', 'do it afterwards')
    await rotateKey(this.#connection, options)
  }

  /** Writes documents as text. */
  async exportTo(destination, options) {
    const connection = this.#connection
    connection.checkOpen()
    await connection.settleWrites()
    return await seldom.exportTo(connection, destination, options)
  }

  /** Reads documents from text. */
  async importFrom(source, options) {
    this.#refuseInside('importFrom', 'do it afterwards')
    this.#connection.checkOpen()
    // It begins transactions of its own: a read-only one that it would join says so itself.
    ambient.scopeOf(this.#connection, true)?.current().writes()
    return await seldom.importFrom(this, this.#connection, source, options)
  }

  /** Rewrites the database file without free space. */
  async compact(options) {
    const { onProgress, signal } = checkLongWork('compact', options)
    this.#refuseInside('compact', 'do it afterwards')
    const connection = this.#connection
    connection.checkOpen()
    await connection.settleWrites()
    await connection.call((ticket) => connection.native.compact(ticket), { onProgress, signal })
  }

  /** Closes the database when what was accepted is written. Idempotent. */
  async close() {
    const connection = this.#connection
    const isFirst = connection.closing === null
    await connection.close()
    if (isFirst) this.emit('close')
  }

  async [asyncDispose]() {
    await this.close()
  }

  /** Emits an error or warning; one that nobody listens to is printed. */
  #report(type, error) {
    if (this.listenerCount(type) > 0) this.emit(type, error)
    else printReport(error)
  }
}

/** Runs a function inside the transaction that the calling code is in. */
async function runNested(outer, options, fn) {
  const allowed = checkNested('transaction', options, outer.allowed)
  if (!outer.interactive) {
    if (options.mode === 'readwrite') throw readOnlyTransaction()
    return await fn(nested(allowed === outer.allowed ? outer : outer.restrictedTo(allowed)))
  }
  if (options.mode === 'readwrite' && outer.readOnly) throw readOnlyTransaction()
  const restrictions = { allowed, readOnly: outer.readOnly || options.mode === 'readonly' }
  return await outer.savepoint(restrictions, true, (level) => fn(nested(level)))
}

/** A read-only transaction; there is nothing to commit or roll back. */
function readOnly(view) {
  const finish = async () => {
    view.current()
    view.close()
  }
  return new Transaction(view, { commit: finish, rollback: finish })
}

module.exports = { Database }
