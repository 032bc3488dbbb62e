'use strict'

const { beTarget, defineEventTarget, setParent } = require('./event-target')
const { exception } = require('./exceptions')
const { isKeyPath } = require('./key-path')
const { makeStore } = require('./object-store')
const { StoreInfo } = require('./schema-info')
const { appendSchema } = require('./schema-changes')
const { stringList } = require('./string-list')
const { TransactionState } = require('./transaction-state')
const { makeTransaction } = require('./transaction')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDictionary,
  toDomString,
  toEnum,
  toStrings,
} = require('./web-idl')

const MODES = ['readonly', 'readwrite', 'versionchange']
const DURABILITIES = ['default', 'strict', 'relaxed']

/** A connection to a database. */
class IDBDatabase extends EventTarget {
  #state

  constructor() {
    checkInternal(arguments[0], 'IDBDatabase')
    super()
    this.#state = arguments[1]
    beTarget(this, this.#state)
  }

  /** The name of the database. */
  get name() {
    return this.#state.name
  }

  /** The version of the database. */
  get version() {
    return this.#state.version
  }

  /** The names of the object stores, sorted. */
  get objectStoreNames() {
    return stringList(this.#state.stores.keys())
  }

  /** Begins a transaction on some stores. */
  transaction(storeNames, mode = 'readonly', options = undefined) {
    requireArguments(arguments, 1, 'transaction')
    const names = toStrings(storeNames)
    const checkedMode = toEnum(mode, MODES, 'transaction: mode')
    const { durability = 'default' } = toDictionary(options, 'transaction: options')
    const checkedDurability = toEnum(durability, DURABILITIES, 'transaction: options.durability')
    const state = this.#state
    if (state.upgrade !== null) {
      throw exception('InvalidStateError', 'A version change transaction is running')
    }
    checkOpen(state)
    const scope = new Set(typeof names === 'string' ? [names] : names)
    for (const name of scope) {
      if (state.stores.has(name)) continue
      throw exception('NotFoundError', `There is no object store '${name}'`)
    }
    if (scope.size === 0) {
      throw exception('InvalidAccessError', 'A transaction needs at least one object store')
    }
    if (checkedMode === 'versionchange') {
      throw new TypeError("transaction: mode must be 'readonly' or 'readwrite'")
    }
    const transaction = new TransactionState(state, checkedMode, scope, checkedDurability)
    const face = makeTransaction(transaction)
    setParent(face, this)
    transaction.deactivateAtEndOfTask()
    state.begin(transaction)
    return face
  }

  /** Closes the connection when its transactions have ended. */
  close() {
    this.#state.close()
  }

  /** Creates an object store, in an upgrade. */
  createObjectStore(name, options = undefined) {
    requireArguments(arguments, 1, 'createObjectStore')
    const storeName = toDomString(name)
    const { autoIncrement = false, keyPath = null } = toDictionary(options, 'options')
    const path = keyPath === null ? null : toStrings(keyPath)
    const generates = Boolean(autoIncrement)
    const state = this.#state
    const upgrade = upgradeOf(state)
    if (path !== null && !isKeyPath(path)) {
      throw exception('SyntaxError', 'The key path is not valid')
    }
    if (state.stores.has(storeName)) {
      throw exception('ConstraintError', `There is an object store '${storeName}' already`)
    }
    if (generates && (path === '' || Array.isArray(path))) {
      throw exception('InvalidAccessError', 'A key cannot be generated for such a key path')
    }
    const info = new StoreInfo({ name: storeName, keyPath: path, autoIncrement: generates })
    state.stores.set(storeName, info)
    upgrade.scope.add(storeName)
    upgrade.change((level) => appendSchema.createStore(level, info, storeName))
    return makeStore(upgrade, info)
  }

  /** Deletes an object store, in an upgrade. */
  deleteObjectStore(name) {
    requireArguments(arguments, 1, 'deleteObjectStore')
    const storeName = toDomString(name)
    const state = this.#state
    const upgrade = upgradeOf(state)
    const info = state.stores.get(storeName)
    if (info === undefined) {
      throw exception('NotFoundError', `There is no object store '${storeName}'`)
    }
    state.stores.delete(storeName)
    info.discard()
    upgrade.stores.delete(info)
    upgrade.change((level) => appendSchema.deleteStore(level, info))
  }
}
defineInterface(IDBDatabase)
defineEventTarget(IDBDatabase, ['abort', 'close', 'error', 'versionchange'])

function checkOpen(state) {
  if (state.isClosePending) throw exception('InvalidStateError', 'The connection is closing')
}

/** @throws {DOMException} InvalidStateError, TransactionInactiveError */
function upgradeOf(state) {
  const { upgrade } = state
  if (upgrade === null) {
    throw exception('InvalidStateError', 'No version change transaction is running')
  }
  upgrade.checkActive()
  return upgrade
}

/** @param {import('./database-state').DatabaseState} state */
function makeDatabase(state) {
  state.shownAs(new IDBDatabase(INTERNAL, state))
}

module.exports = { IDBDatabase, makeDatabase }
