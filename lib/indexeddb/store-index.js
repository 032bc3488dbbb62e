'use strict'

const { exception } = require('./exceptions')
const read = require('./read-methods')
const { appendSchema } = require('./schema-changes')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDictionary,
  toDomString,
} = require('./web-idl')

/** An index of an object store, as a transaction has it. */
class IDBIndex {
  #source
  #info
  #store
  #keyPath

  constructor() {
    const [token, store, transaction, info] = arguments
    checkInternal(token, 'IDBIndex')
    this.#store = store
    this.#info = info
    this.#keyPath = Array.isArray(info.keyPath) ? [...info.keyPath] : info.keyPath
    this.#source = { face: this, transaction, origin: { store: info.store, index: info } }
  }

  /** Its name, which an upgrade can change. */
  get name() {
    return this.#info.name
  }

  set name(value) {
    const name = toDomString(value)
    const info = this.#info
    const { transaction } = this.#source
    if (transaction.mode !== 'versionchange') {
      throw exception('InvalidStateError', 'Only an upgrade can rename an index')
    }
    if (info.isDeleted || info.store.isDeleted) {
      throw exception('InvalidStateError', 'The index has been deleted')
    }
    transaction.checkActive()
    if (info.name === name) return
    const { indexes } = info.store
    if (indexes.has(name)) {
      throw exception('ConstraintError', `There is an index '${name}' already`)
    }
    indexes.delete(info.name)
    info.name = name
    indexes.set(name, info)
    transaction.change((level) => appendSchema.renameIndex(level, info, name))
  }

  /** The object store that it belongs to. */
  get objectStore() {
    return this.#store
  }

  /** What it is on. */
  get keyPath() {
    return this.#keyPath
  }

  /** Whether each element of an array is a key of its own. */
  get multiEntry() {
    return this.#info.multiEntry
  }

  /** Whether no two values may have the same key. */
  get unique() {
    return this.#info.unique
  }

  /** The first value of a range of keys. */
  get(query) {
    requireArguments(arguments, 1, 'get')
    return read.get(this.#source, query)
  }

  /** The primary key of the first record of a range. */
  getKey(query) {
    requireArguments(arguments, 1, 'getKey')
    return read.getKey(this.#source, query)
  }

  /** The values of a range of keys. */
  getAll(queryOrOptions = undefined, count = undefined) {
    return read.getAll(this.#source, queryOrOptions, count)
  }

  /** The primary keys of a range. */
  getAllKeys(queryOrOptions = undefined, count = undefined) {
    return read.getAllKeys(this.#source, queryOrOptions, count)
  }

  /** The records of a range of keys. */
  getAllRecords(options = undefined) {
    return read.getAllRecords(this.#source, toDictionary(options, 'getAllRecords: options'))
  }

  /** How many records a range of keys has. */
  count(query = undefined) {
    return read.countRecords(this.#source, query)
  }

  /** Opens a cursor over a range of keys. */
  openCursor(query = undefined, direction = 'next') {
    return read.cursor(this.#source, query, direction, true)
  }

  /** Opens a cursor that reads no values. */
  openKeyCursor(query = undefined, direction = 'next') {
    return read.cursor(this.#source, query, direction, false)
  }
}
defineInterface(IDBIndex)

/** The index's face in a transaction: always the same one. */
function makeIndex(store, transaction, info) {
  let face = transaction.indexes.get(info)
  if (face === undefined) {
    face = new IDBIndex(INTERNAL, store, transaction, info)
    transaction.indexes.set(info, face)
  }
  return face
}

module.exports = { IDBIndex, makeIndex }
