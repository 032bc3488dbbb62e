'use strict'

const { OP } = require('../operations')
const { exception } = require('./exceptions')
const { makeIndex } = require('./store-index')
const { isKeyPath } = require('./key-path')
const { toRange } = require('./key-range')
const { toKey } = require('./keys')
const { beSource, checkUsable, defineReads } = require('./read-methods')
const { appendSchema } = require('./schema-changes')
const { IndexInfo } = require('./schema-info')
const { stringList } = require('./string-list')
const { packClear, packDelete, packPut, sendDelete, sendPut } = require('./writes')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDictionary,
  toDomString,
  toStrings,
} = require('./web-idl')

/** An object store, as a transaction has it. */
class IDBObjectStore {
  #source
  #info
  #transaction
  #keyPath

  constructor() {
    const [token, transaction, info] = arguments
    checkInternal(token, 'IDBObjectStore')
    this.#info = info
    this.#transaction = transaction
    this.#keyPath = Array.isArray(info.keyPath) ? [...info.keyPath] : info.keyPath
    this.#source = { face: this, transaction, origin: { store: info, index: null } }
    beSource(this, this.#source)
  }

  /** Its name, which an upgrade can change. */
  get name() {
    return this.#info.name
  }

  set name(value) {
    const name = toDomString(value)
    const info = this.#info
    const upgrade = this.#upgrade('rename')
    const { stores } = upgrade.database
    if (info.name === name) return
    if (stores.has(name)) {
      throw exception('ConstraintError', `There is an object store '${name}' already`)
    }
    stores.delete(info.name)
    upgrade.scope.delete(info.name)
    info.name = name
    stores.set(name, info)
    upgrade.scope.add(name)
    upgrade.change((level) => appendSchema.renameStore(level, info, name))
  }

  /** Where values carry their keys, or null. */
  get keyPath() {
    return this.#keyPath
  }

  /** The names of its indexes, sorted. */
  get indexNames() {
    return stringList(this.#info.indexes.keys())
  }

  /** The transaction that has it. */
  get transaction() {
    return this.#transaction.face
  }

  /** Whether it generates keys. */
  get autoIncrement() {
    return this.#info.autoIncrement
  }

  /** Inserts or replaces a value. */
  put(value, key = undefined) {
    requireArguments(arguments, 1, 'put')
    return put(this.#source, OP.PUT, value, key)
  }

  /** Inserts a value. */
  add(value, key = undefined) {
    requireArguments(arguments, 1, 'add')
    return put(this.#source, OP.ADD, value, key)
  }

  /** Deletes the values of a range of keys. */
  delete(query) {
    requireArguments(arguments, 1, 'delete')
    return remove(this.#source, query)
  }

  /** Deletes all values. */
  clear() {
    const source = this.#source
    checkWritable(source)
    const bytes = packClear()
    return write(source, (level) => sendDelete(level, this.#info, bytes, source.transaction))
  }

  /** One of its indexes. */
  index(name) {
    requireArguments(arguments, 1, 'index')
    const indexName = toDomString(name)
    const info = this.#info
    if (info.isDeleted || this.#transaction.isFinished) {
      throw exception(
        'InvalidStateError',
        'The object store is deleted or its transaction finished',
      )
    }
    const index = info.indexes.get(indexName)
    if (index === undefined) {
      throw exception('NotFoundError', `The object store has no index '${indexName}'`)
    }
    return makeIndex(this, this.#transaction, index)
  }

  /** Creates an index, in an upgrade. */
  createIndex(name, keyPath, options = undefined) {
    requireArguments(arguments, 2, 'createIndex')
    const indexName = toDomString(name)
    const path = toStrings(keyPath)
    const { multiEntry = false, unique = false } = toDictionary(options, 'createIndex: options')
    const flags = { multiEntry: Boolean(multiEntry), unique: Boolean(unique) }
    const info = this.#info
    const upgrade = this.#upgrade('create an index')
    if (info.indexes.has(indexName)) {
      throw exception('ConstraintError', `There is an index '${indexName}' already`)
    }
    if (!isKeyPath(path)) throw exception('SyntaxError', 'The key path is not valid')
    if (Array.isArray(path) && flags.multiEntry) {
      throw exception('InvalidAccessError', 'A multi-entry index cannot have several key paths')
    }
    const index = new IndexInfo(info, { name: indexName, keyPath: path, ...flags })
    info.indexes.set(indexName, index)
    upgrade.change((level) => appendSchema.createIndex(level, index, indexName))
    return makeIndex(this, this.#transaction, index)
  }

  /** Deletes an index, in an upgrade. */
  deleteIndex(name) {
    requireArguments(arguments, 1, 'deleteIndex')
    const indexName = toDomString(name)
    const info = this.#info
    const upgrade = this.#upgrade('delete an index')
    const index = info.indexes.get(indexName)
    if (index === undefined) {
      throw exception('NotFoundError', `The object store has no index '${indexName}'`)
    }
    info.indexes.delete(indexName)
    index.isDeleted = true
    upgrade.change((level) => appendSchema.deleteIndex(level, index))
  }

  #upgrade(what) {
    const transaction = this.#transaction
    if (transaction.mode !== 'versionchange') {
      throw exception('InvalidStateError', `Only an upgrade can ${what}`)
    }
    if (this.#info.isDeleted) {
      throw exception('InvalidStateError', 'The object store has been deleted')
    }
    transaction.checkActive()
    return transaction
  }
}
defineReads(IDBObjectStore)
defineInterface(IDBObjectStore)

/** @throws {DOMException} InvalidStateError, TransactionInactiveError, ReadOnlyError */
function checkWritable(source) {
  checkUsable(source)
  if (source.transaction.mode === 'readonly') {
    throw exception('ReadOnlyError', 'The transaction is read-only')
  }
}

/** @param {import('./read-methods').Source} source */
function put(source, op, value, key) {
  checkWritable(source)
  const { store } = source.origin
  if (store.keyPath !== null && key !== undefined) {
    throw exception('DataError', 'The object store takes its keys from the values')
  }
  if (store.keyPath === null && key === undefined && !store.autoIncrement) {
    throw exception('DataError', 'The object store needs a key')
  }
  const given = key === undefined ? undefined : toKey(key)
  const { transaction } = source
  const packed = transaction.whileInactive(() => packPut(op, store, value, given))
  const holds = packed.completed !== null
  return write(source, (level) => sendPut(level, store, packed, transaction), holds)
}

function remove(source, query) {
  checkWritable(source)
  const range = toRange(query, false, false)
  const bytes = packDelete(range)
  const { transaction, origin } = source
  return write(source, (level) => sendDelete(level, origin.store, bytes, transaction))
}

function write({ face, transaction }, perform, holds = false) {
  return transaction.request(face, perform, { writes: true, holds })
}

/** The store's face in a transaction: always the same one. */
function makeStore(transaction, info) {
  let face = transaction.stores.get(info)
  if (face === undefined) {
    face = new IDBObjectStore(INTERNAL, transaction, info)
    transaction.stores.set(info, face)
  }
  return face
}

module.exports = { IDBObjectStore, makeStore }
