'use strict'

const { exception } = require('./exceptions')
const { privateField } = require('./stamp')
const { afterMicrotasks, reportException } = require('./tasks')

const PHASE = Object.freeze({ NONE: 0, CAPTURING: 1, AT_TARGET: 2, BUBBLING: 3 })

/** @type {EventTarget[]} */
const NOWHERE = []

/** The dispatch of each event that was dispatched by us. */
const dispatches = privateField()

/**
 * An event on its way along a target and the target's parents (DOM, "dispatch"), and what its
 * accessors show meanwhile.
 */
class Dispatch {
  /** @param {Event} event */
  constructor(event) {
    this.event = event
    this.target = null
    this.currentTarget = null
    this.phase = PHASE.NONE
    this.path = NOWHERE
    /** Whether no further listener is to be called. */
    this.stopped = false
    this.didThrow = false
    this.stateOf = null
    /** How many targets were visited: down to the first, then up. */
    this.visited = 0
    this.isCapturing = true
    /** The listeners of the current target, and how many had their turn. */
    this.listeners = NOWHERE
    this.at = 0
  }

  /** The dispatch of an event; it has one for all its ways. @param {Event} event */
  static of(event) {
    const known = dispatches.get(event)
    if (known !== undefined) return known
    const made = new Dispatch(event)
    dispatches.set(event, made)
    if (!(event instanceof RequestEvent)) Object.defineProperties(event, accessors)
    return made
  }

  /**
   * @param {EventTarget[]} path the target, then its parents
   * @param {(target: EventTarget) => import('./target-state').TargetState} stateOf
   */
  begin(path, stateOf) {
    if (this.path !== NOWHERE) {
      throw exception('InvalidStateError', 'The event is being dispatched')
    }
    this.path = path
    this.target = path[0]
    this.stateOf = stateOf
    this.visited = 0
    this.didThrow = false
    return this
  }

  /** Calls all listeners, one right after the other. */
  runNow() {
    while (this.callNext());
    this.end()
  }

  /**
   * Calls all listeners, each followed by its microtasks.
   *
   * @param {(didThrow: boolean) => void} done
   */
  run(done) {
    const goOn = () => {
      if (this.callNext()) {
        afterMicrotasks(goOn)
      } else {
        this.end()
        done(this.didThrow)
      }
    }
    goOn()
  }

  end() {
    this.currentTarget = null
    this.phase = PHASE.NONE
    this.path = NOWHERE
    this.listeners = NOWHERE
    this.at = 0
    this.stopped = false
  }

  /** Calls the next listener. @returns {boolean} false if there is none */
  callNext() {
    const { event } = this
    do {
      const { listeners } = this
      while (this.at < listeners.length && !this.stopped) {
        const listener = listeners[this.at++]
        if (listener.removed || listener.capture !== this.isCapturing) continue
        if (listener.type !== event.type) continue
        if (listener.once) this.stateOf(this.currentTarget).drop(listener)
        try {
          listener.call(this.currentTarget, event)
        } catch (error) {
          this.didThrow = true
          reportException(error)
        }
        return true
      }
    } while (this.visitNext())
    return false
  }

  /** Goes on to the next target. @returns {boolean} whether there is one */
  visitNext() {
    const { event, path } = this
    const visited = this.visited++
    const last = path.length + (event.bubbles ? path.length : 1)
    if (visited === last || event.cancelBubble) return false
    this.isCapturing = visited < path.length
    const at = this.isCapturing ? path.length - 1 - visited : visited - path.length
    if (at === 0) this.phase = PHASE.AT_TARGET
    else this.phase = this.isCapturing ? PHASE.CAPTURING : PHASE.BUBBLING
    this.currentTarget = path[at]
    this.listeners = this.stateOf(path[at]).listeners
    this.at = 0
    return true
  }
}

/** What stands in for the accessors of Event, whose state only EventTarget can change. */
const accessors = {
  target: { get: shows('target') },
  srcElement: { get: shows('target') },
  currentTarget: { get: shows('currentTarget') },
  eventPhase: { get: shows('phase') },
  composedPath: {
    value() {
      const { path, currentTarget } = dispatches.get(this)
      return currentTarget === null ? [] : [...path]
    },
    writable: true,
  },
  stopImmediatePropagation: {
    value() {
      this.stopPropagation()
      dispatches.get(this).stopped = true
    },
    writable: true,
  },
}
for (const accessor of Object.values(accessors)) accessor.configurable = true

function shows(name) {
  return function () {
    return dispatches.get(this)?.[name] ?? null
  }
}

/** The events of requests and transactions, which are many, have the accessors once and for all. */
class RequestEvent extends Event {}
Object.defineProperties(RequestEvent.prototype, {
  ...accessors,
  constructor: { value: Event, writable: true, configurable: true },
})

module.exports = { Dispatch, RequestEvent }
