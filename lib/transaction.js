'use strict'

const { asyncDispose } = require('./dispose')
const { invalidArgument } = require('./options/check')
const { checkFunction } = require('./options/transaction')
const { Schema } = require('./schema')
const { Store } = require('./store')

/** A transaction, or a savepoint in one: all of its work is kept, or none. */
class Transaction {
  #scope
  #finish
  #schema

  /**
   * @param {object} scope a TransactionLevel, or a PinnedView for a read-only transaction
   * @param {{ commit: () => Promise<void>, rollback: () => Promise<void> }} finish
   */
  constructor(scope, finish) {
    this.#scope = scope
    this.#finish = finish
    this.#schema = new Schema(scope)
  }

  /** 'readwrite' or 'readonly'. */
  get mode() {
    return this.#scope.interactive && !this.#scope.readOnly ? 'readwrite' : 'readonly'
  }

  /** Whether work can still be done in it. */
  get active() {
    return !this.#scope.ended && !this.#scope.connection.closed
  }

  /** The names of the stores that it may use, in order. */
  get storeNames() {
    const { catalog, allowed } = this.#scope.current()
    return catalog.storeNames.filter((name) => allowed === null || allowed.has(name))
  }

  /** A store, as this transaction sees it. */
  store(name) {
    return new Store(this.#scope, name)
  }

  /** Runs a function in a savepoint: if it rejects, only its work is undone. */
  async savepoint(fn) {
    checkFunction('savepoint', fn)
    const scope = this.#scope.current()
    if (!scope.interactive) return await fn(this)
    const { allowed, readOnly } = scope
    return await scope.savepoint({ allowed, readOnly }, scope.joins, (level) => fn(nested(level)))
  }

  /** Commits. */
  async commit() {
    await this.#finish.commit()
  }

  /** Undoes everything. */
  async rollback() {
    await this.#finish.rollback()
  }

  /** Rolls back, unless it has ended. */
  async [asyncDispose]() {
    if (this.active) await this.#finish.rollback()
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

  /** Creates an index and fills it, as a part of this transaction. */
  async createIndex(store, name, on, options) {
    await this.#schema.createIndex(store, name, on, options)
  }

  /** Creates a vector index and fills it, as a part of this transaction. */
  async createVectorIndex(store, name, on, options) {
    await this.#schema.createVectorIndex(store, name, on, options)
  }

  /** Deletes an index. */
  async deleteIndex(store, name) {
    await this.#schema.deleteIndex(store, name)
  }

  /** Renames an index. */
  async renameIndex(store, name, newName) {
    await this.#schema.renameIndex(store, name, newName)
  }
}

/** A savepoint's handle. It ends with the function that it was given to. */
function nested(level) {
  const refuse = (method, instead) => async () => {
    throw invalidArgument(`${method}: a savepoint ends with its function; ${instead}`)
  }
  return new Transaction(level, {
    commit: refuse('commit', 'return from it to keep its work'),
    rollback: refuse('rollback', 'throw from it to undo its work'),
  })
}

module.exports = { Transaction, nested }
