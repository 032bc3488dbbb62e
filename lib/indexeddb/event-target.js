'use strict'

const { Dispatch } = require('./dispatch')
const { privateField } = require('./stamp')
const { Listener } = require('./target-state')
const { hidden, requireArguments, toDictionary, toDomString } = require('./web-idl')

const states = privateField()

/**
 * Makes an object a target, which its state stands behind.
 *
 * @template {EventTarget} T
 * @param {T} target
 * @param {import('./target-state').TargetState} state
 * @returns {T}
 */
function beTarget(target, state) {
  states.set(target, state)
  return target
}

/**
 * @param {EventTarget} target
 * @returns {import('./target-state').TargetState}
 * @throws {TypeError} if it is no target of ours
 */
function stateOf(target) {
  const state = states.get(target)
  if (state === undefined) throw new TypeError('Illegal invocation')
  return state
}

/**
 * What makes objects of an interface that are targets: without all that the constructor of
 * EventTarget gives to each for methods of its own, which are replaced here.
 *
 * @param {Function} constructor
 * @returns {(state: import('./target-state').TargetState) => EventTarget}
 */
function targetMaker({ prototype }) {
  function Bare() {}
  Bare.prototype = prototype
  return (state) => beTarget(new Bare(), state)
}

/**
 * Says where the events of a target go on to when they bubble.
 *
 * @param {EventTarget} target
 * @param {EventTarget | null} parent
 */
function setParent(target, parent) {
  stateOf(target).parent = parent
}

/** A target and those that its events go on to. */
function pathFrom(target) {
  const path = []
  for (let at = target; at !== null; at = stateOf(at).parent) path.push(at)
  return path
}

/** Whether anyone listens to a type, at a target or those that its events go on to. */
function isHeard(target, type) {
  for (let at = target; at !== null;) {
    const state = stateOf(at)
    if (state.hears(type)) return true
    at = state.parent
  }
  return false
}

/* The methods of EventTarget, for targets with parents, which Node.js does not know. */
const methods = {
  addEventListener(type, callback, options = undefined) {
    requireArguments(arguments, 2, 'addEventListener')
    const name = toDomString(type)
    const { capture, once, signal } = flatten(options)
    if (callback === null || callback === undefined || signal?.aborted) return
    if (typeof callback !== 'function' && typeof callback !== 'object') {
      throw new TypeError('addEventListener: the listener must be a function or an object')
    }
    const state = stateOf(this)
    const listener = new Listener(name, callback, { capture, once, isHandler: false })
    state.listen(listener)
    signal?.addEventListener('abort', () => state.dropLike(listener), { once: true })
  },

  removeEventListener(type, callback, options = undefined) {
    requireArguments(arguments, 2, 'removeEventListener')
    const { capture } = flatten(options)
    const name = toDomString(type)
    stateOf(this).dropLike(new Listener(name, callback, { capture, isHandler: false }))
  },

  dispatchEvent(event) {
    requireArguments(arguments, 1, 'dispatchEvent')
    if (!(event instanceof Event)) throw new TypeError('dispatchEvent: the argument is no Event')
    Dispatch.of(event).begin(pathFrom(this), stateOf).runNow()
    return !event.defaultPrevented
  },
}

function flatten(options) {
  if (typeof options === 'boolean') return { capture: options, once: false, signal: undefined }
  const { capture, once, signal } = toDictionary(options, 'options')
  return { capture: Boolean(capture), once: Boolean(once), signal }
}

/**
 * Gives a class that extends EventTarget the listeners of targets with parents, and its `on…`
 * attributes.
 *
 * @param {Function} constructor
 * @param {string[]} types
 */
function defineEventTarget({ prototype }, types) {
  for (const [name, value] of Object.entries(methods)) {
    hidden.add(value)
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
  }
  for (const type of types) defineHandler(prototype, type)
}

function defineHandler(prototype, type) {
  const name = `on${type}`
  const check = (target) => {
    const isOwn = Object.prototype.isPrototypeOf.call(prototype, target)
    if (!isOwn || states.get(target) === undefined) {
      throw new TypeError(`Illegal invocation of ${name}`)
    }
  }
  const accessors = {
    get [name]() {
      check(this)
      return stateOf(this).handler(type)?.callback ?? null
    },
    set [name](value) {
      check(this)
      setHandler(stateOf(this), type, value)
    },
  }
  const descriptor = Object.getOwnPropertyDescriptor(accessors, name)
  Object.defineProperty(prototype, name, { ...descriptor, enumerable: true, configurable: true })
}

const HANDLER = Object.freeze({ capture: false, once: false, isHandler: true })

function setHandler(state, type, value) {
  const isCallable = typeof value === 'function' || (typeof value === 'object' && value !== null)
  const known = state.handler(type)
  if (!isCallable) {
    if (known !== undefined) state.drop(known)
  } else if (known === undefined) {
    state.listen(new Listener(type, value, HANDLER))
  } else {
    known.callback = value
  }
}

module.exports = {
  beTarget,
  defineEventTarget,
  isHeard,
  pathFrom,
  setParent,
  stateOf,
  targetMaker,
}
