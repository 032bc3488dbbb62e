'use strict'

/** @type {readonly Listener[]} */
const NONE = Object.freeze([])

/** What is called with the events of a type. */
class Listener {
  removed = false

  constructor(type, callback, { capture, once, isHandler }) {
    this.type = type
    this.callback = callback
    this.capture = capture
    this.once = once
    /** Whether it is the value of an `on…` attribute. */
    this.isHandler = isHandler
  }

  /** @param {Listener} other */
  isLike({ type, callback, capture, isHandler }) {
    if (this.type !== type || this.isHandler || isHandler) return false
    return this.callback === callback && this.capture === capture
  }

  /** @param {EventTarget} target @param {Event} event */
  call(target, event) {
    const { callback } = this
    if (typeof callback === 'function') {
      const answer = callback.call(target, event)
      if (this.isHandler && answer === false) event.preventDefault()
    } else if (!this.isHandler) {
      const { handleEvent } = callback
      if (typeof handleEvent !== 'function') throw new TypeError('handleEvent is not a function')
      handleEvent.call(callback, event)
    }
  }
}

/** What stands behind a target of events. */
class TargetState {
  /** Where its events go on to when they bubble. @type {EventTarget | null} */
  parent = null
  /** Its listeners, in order. Replaced, never changed: a dispatch under way keeps its own. */
  listeners = NONE

  /** @param {Listener} listener */
  listen(listener) {
    if (this.listeners.some((each) => each.isLike(listener))) return
    this.setListeners([...this.listeners, listener])
  }

  /** @param {Listener} listener */
  drop(listener) {
    listener.removed = true
    this.setListeners(this.listeners.filter((each) => each !== listener))
  }

  setListeners(listeners) {
    this.listeners = listeners
  }

  /** Drops the listener that was added with such arguments. */
  dropLike(listener) {
    const found = this.listeners.find((each) => each.isLike(listener))
    if (found !== undefined) this.drop(found)
  }

  /** The value of an `on…` attribute. @returns {Listener | undefined} */
  handler(type) {
    return this.listeners.find((each) => each.isHandler && each.type === type)
  }

  hears(type) {
    const { listeners } = this
    for (let i = 0; i < listeners.length; i++) if (listeners[i].type === type) return true
    return false
  }
}

module.exports = { Listener, TargetState }
