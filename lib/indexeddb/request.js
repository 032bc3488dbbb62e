'use strict'

const { beTarget, defineEventTarget } = require('./event-target')
const { exception } = require('./exceptions')
const { INTERNAL, checkInternal, defineInterface } = require('./web-idl')

/** An operation that is under way, or what it has come to. */
class IDBRequest extends EventTarget {
  #state

  constructor() {
    checkInternal(arguments[0], new.target.name)
    super()
    beTarget(this)
    this.#state = arguments[1]
  }

  /** What it has come to. @throws {DOMException} InvalidStateError while it is pending */
  get result() {
    return checkDone(this.#state).result
  }

  /** Why it has failed, or null. @throws {DOMException} InvalidStateError while it is pending */
  get error() {
    return checkDone(this.#state).error
  }

  /** What it was made by. */
  get source() {
    return this.#state.source
  }

  /** The transaction that it belongs to. */
  get transaction() {
    return this.#state.transaction?.face ?? null
  }

  /** 'pending' or 'done'. */
  get readyState() {
    return this.#state.isDone ? 'done' : 'pending'
  }
}
defineInterface(IDBRequest)
defineEventTarget(IDBRequest, ['success', 'error'])

function checkDone(state) {
  if (state.isDone) return state
  throw exception('InvalidStateError', 'The request is still pending')
}

/** A request to open or delete a database. */
class IDBOpenDBRequest extends IDBRequest {
  constructor() {
    checkInternal(arguments[0], 'IDBOpenDBRequest')
    super(...arguments)
  }
}
defineInterface(IDBOpenDBRequest)
defineEventTarget(IDBOpenDBRequest, ['blocked', 'upgradeneeded'])

/** @param {import('./request-state').RequestState} state */
function makeRequest(state) {
  return (state.face = new IDBRequest(INTERNAL, state))
}

/** @param {import('./request-state').RequestState} state */
function makeOpenRequest(state) {
  return (state.face = new IDBOpenDBRequest(INTERNAL, state))
}

module.exports = { IDBOpenDBRequest, IDBRequest, makeOpenRequest, makeRequest }
