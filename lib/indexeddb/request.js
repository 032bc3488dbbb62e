'use strict'

const { defineEventTarget, stateOf, targetMaker } = require('./event-target')
const { exception } = require('./exceptions')
const { RequestState } = require('./request-state')
const { defineInterface, refuseConstruction } = require('./web-idl')

/** An operation that is under way, or what it has come to. */
class IDBRequest extends EventTarget {
  constructor() {
    refuseConstruction(new.target)
    super()
  }

  /** What it has come to. @throws {DOMException} InvalidStateError while it is pending */
  get result() {
    return done(this).result
  }

  /** Why it has failed, or null. @throws {DOMException} InvalidStateError while it is pending */
  get error() {
    return done(this).error
  }

  /** What it was made by. */
  get source() {
    return requestOf(this).source
  }

  /** The transaction that it belongs to. */
  get transaction() {
    return requestOf(this).transaction?.face ?? null
  }

  /** 'pending' or 'done'. */
  get readyState() {
    return requestOf(this).isDone ? 'done' : 'pending'
  }
}
defineInterface(IDBRequest)
defineEventTarget(IDBRequest, ['success', 'error'])

/** @returns {RequestState} @throws {TypeError} */
function requestOf(face) {
  const state = stateOf(face)
  if (!(state instanceof RequestState)) throw new TypeError('Illegal invocation')
  return state
}

function done(face) {
  const state = requestOf(face)
  if (state.isDone) return state
  throw exception('InvalidStateError', 'The request is still pending')
}

/** A request to open or delete a database. */
class IDBOpenDBRequest extends IDBRequest {}
defineInterface(IDBOpenDBRequest)
defineEventTarget(IDBOpenDBRequest, ['blocked', 'upgradeneeded'])

const makeFace = targetMaker(IDBRequest)
const makeOpenFace = targetMaker(IDBOpenDBRequest)

/** @param {RequestState} state */
function makeRequest(state) {
  return (state.face = makeFace(state))
}

/** @param {RequestState} state */
function makeOpenRequest(state) {
  return (state.face = makeOpenFace(state))
}

module.exports = { IDBOpenDBRequest, IDBRequest, makeOpenRequest, makeRequest }
