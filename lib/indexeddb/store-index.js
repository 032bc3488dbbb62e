'use strict'

const { exception } = require('./exceptions')
const { beSource, defineReads } = require('./read-methods')
const { appendSchema } = require('./schema-changes')
const { INTERNAL, checkInternal, defineInterface, toDomString } = require('./web-idl')

/** An index of an object store, as a transaction has it. */
class IDBIndex {
  #transaction
  #info
  #store
  #keyPath

  constructor() {
    const [token, store, transaction, info] = arguments
    checkInternal(token, 'IDBIndex')
    this.#store = store
    this.#info = info
    this.#keyPath = Array.isArray(info.keyPath) ? [...info.keyPath] : info.keyPath
    this.#transaction = transaction
    beSource(this, { face: this, transaction, origin: { store: info.store, index: info } })
  }

  /** Its name, which an upgrade can change. */
  get name() {
    return this.#info.name
  }

  set name(value) {
    const name = toDomString(value)
    const info = this.#info
    const transaction = this.#transaction
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
}
defineReads(IDBIndex)
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
