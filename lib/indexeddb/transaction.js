'use strict'

const { beTarget, defineEventTarget } = require('./event-target')
const { exception } = require('./exceptions')
const { makeStore } = require('./object-store')
const { stringList } = require('./string-list')
const { STATE } = require('./transaction-state')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDomString,
} = require('./web-idl')

/** A transaction on some of a database's stores. */
class IDBTransaction extends EventTarget {
  #state

  constructor() {
    checkInternal(arguments[0], 'IDBTransaction')
    super()
    this.#state = arguments[1]
    beTarget(this, this.#state)
  }

  /** The names of its stores, sorted. */
  get objectStoreNames() {
    const { mode, database, scope, scopeAtEnd } = this.#state
    if (mode !== 'versionchange') return stringList(scope)
    return stringList(scopeAtEnd ?? database.stores.keys())
  }

  /** 'readonly', 'readwrite' or 'versionchange'. */
  get mode() {
    return this.#state.mode
  }

  /** What has to be on disk when it has completed: 'default', 'strict' or 'relaxed'. */
  get durability() {
    return this.#state.durability
  }

  /** The connection that it was made by. */
  get db() {
    return this.#state.database.face
  }

  /** Why it was aborted, or null. */
  get error() {
    return this.#state.error
  }

  /** One of its stores. */
  objectStore(name) {
    requireArguments(arguments, 1, 'objectStore')
    const state = this.#state
    const storeName = toDomString(name)
    if (state.isFinished) throw finished()
    const { database, mode, scope } = state
    const info = database.stores.get(storeName)
    if (info === undefined || (mode !== 'versionchange' && !scope.has(storeName))) {
      throw exception('NotFoundError', `The transaction has no object store '${storeName}'`)
    }
    return makeStore(state, info)
  }

  /** Commits without waiting for the outcome of the requests to be handled. */
  commit() {
    const state = this.#state
    if (state.state !== STATE.ACTIVE) {
      throw exception('InvalidStateError', 'The transaction is not active')
    }
    state.commit()
  }

  /** Undoes everything. */
  abort() {
    const state = this.#state
    if (state.isFinished || state.state === STATE.COMMITTING) throw finished()
    state.abort(null)
  }
}
defineInterface(IDBTransaction)
defineEventTarget(IDBTransaction, ['abort', 'complete', 'error'])

function finished() {
  return exception('InvalidStateError', 'The transaction has finished or is being committed')
}

/** @param {import('./transaction-state').TransactionState} state */
function makeTransaction(state) {
  return (state.face = new IDBTransaction(INTERNAL, state))
}

module.exports = { IDBTransaction, makeTransaction }
