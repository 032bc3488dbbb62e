'use strict'

const { Dispatch } = require('./dispatch')
const { privateField } = require('./stamp')
const { hidden, requireArguments, toDictionary, toDomString } = require('./web-idl')

/** The listeners of one object. */
class Listeners {
  /** @type {Map<string, Listener[]>} */
  #byType = new Map()
  #onChange

  /** @param {((isAny: boolean) => void) | null} onChange told whether there are any */
  constructor(onChange) {
    this.#onChange = onChange
  }

  /** The listeners of a type, in order; not to be changed. */
  of(type) {
    return this.#byType.get(type)
  }

  /** @param {Listener} listener */
  add(listener) {
    const { type, callback, capture } = listener
    const list = this.#byType.get(type)
    if (list === undefined) this.#byType.set(type, [listener])
    else if (!list.some((each) => each.is(callback, capture))) {
      // A dispatch under way goes on with the list as it was.
      this.#byType.set(type, [...list, listener])
    }
    this.#onChange?.(true)
  }

  remove(type, callback, capture) {
    const list = this.#byType.get(type)
    const removed = list?.find((each) => each.is(callback, capture))
    if (removed !== undefined) this.drop(removed)
  }

  /** @param {Listener} listener */
  drop(listener) {
    const { type } = listener
    listener.removed = true
    const rest = this.#byType.get(type)?.filter((each) => each !== listener)
    if (rest === undefined || rest.length === 0) this.#byType.delete(type)
    else this.#byType.set(type, rest)
    this.#onChange?.(this.#byType.size > 0)
  }
}

class Listener {
  constructor(type, callback, { capture, once, isHandler }) {
    this.type = type
    this.callback = callback
    this.capture = capture
    this.once = once
    /** Whether it is the value of an `on…` attribute. */
    this.isHandler = isHandler
    this.removed = false
  }

  is(callback, capture) {
    return !this.isHandler && this.callback === callback && this.capture === capture
  }

  /** @param {Event} event */
  call(event) {
    const { callback } = this
    if (typeof callback === 'function') {
      const answer = callback.call(event.currentTarget, event)
      if (this.isHandler && answer === false) event.preventDefault()
    } else {
      const { handleEvent } = callback
      if (typeof handleEvent !== 'function') throw new TypeError('handleEvent is not a function')
      handleEvent.call(callback, event)
    }
  }
}

/** What a target knows: its listeners, its parent, and the values of its `on…` attributes. */
const links = privateField()

/**
 * Makes an object a target; its events go on to a parent, if it has one.
 *
 * @param {EventTarget} target
 * @param {((isHeard: boolean) => void) | null} [onChange] told, when listeners come and go, whether
 *   there are any
 */
function beTarget(target, onChange = null) {
  links.set(target, { listeners: null, parent: null, handlers: null, onChange })
}

/** @param {EventTarget} target @returns {Listeners | null} */
function listenersOf(target) {
  return links.get(target).listeners
}

function listenersFor(target) {
  const own = links.get(target)
  own.listeners ??= new Listeners(own.onChange)
  return own.listeners
}

/**
 * Says where the events of a target go on to when they bubble.
 *
 * @param {EventTarget} target
 * @param {EventTarget | null} parent
 */
function setParent(target, parent) {
  links.get(target).parent = parent
}

/** A target and those that its events go on to. */
function pathFrom(target) {
  const path = [target]
  for (let { parent } = links.get(target); parent !== null; { parent } = links.get(parent)) {
    path.push(parent)
  }
  return path
}

/** Whether anyone listens to a type, at a target or those that its events go on to. */
function isHeard(target, type) {
  for (let at = target; at !== null;) {
    const { listeners, parent } = links.get(at)
    if (listeners !== null && listeners.of(type) !== undefined) return true
    at = parent
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
    const list = listenersFor(this)
    list.add(new Listener(name, callback, { capture, once, isHandler: false }))
    signal?.addEventListener('abort', () => list.remove(name, callback, capture), { once: true })
  },

  removeEventListener(type, callback, options = undefined) {
    requireArguments(arguments, 2, 'removeEventListener')
    const { capture } = flatten(options)
    listenersOf(this)?.remove(toDomString(type), callback, capture)
  },

  dispatchEvent(event) {
    requireArguments(arguments, 1, 'dispatchEvent')
    if (!(event instanceof Event)) throw new TypeError('dispatchEvent: the argument is no Event')
    new Dispatch(pathFrom(this), event, listenersOf).runNow()
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
    if (!isOwn || links.get(target) === undefined)
      throw new TypeError(`Illegal invocation of ${name}`)
  }
  const accessors = {
    get [name]() {
      check(this)
      return links.get(this).handlers?.get(type)?.callback ?? null
    },
    set [name](value) {
      check(this)
      setHandler(this, type, value)
    },
  }
  const descriptor = Object.getOwnPropertyDescriptor(accessors, name)
  Object.defineProperty(prototype, name, { ...descriptor, enumerable: true, configurable: true })
}

function setHandler(target, type, value) {
  const isCallable = typeof value === 'function' || (typeof value === 'object' && value !== null)
  const own = links.get(target)
  const known = own.handlers?.get(type)
  if (!isCallable) {
    if (known === undefined) return
    own.handlers.delete(type)
    listenersFor(target).drop(known)
  } else if (known === undefined) {
    own.handlers ??= new Map()
    const options = { capture: false, once: false, isHandler: true }
    const listener = new Listener(type, value, options)
    own.handlers.set(type, listener)
    listenersFor(target).add(listener)
  } else {
    known.callback = value
  }
}

module.exports = { beTarget, defineEventTarget, isHeard, listenersOf, pathFrom, setParent }
