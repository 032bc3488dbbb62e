'use strict'

const { exception } = require('./exceptions')
const { privateField } = require('./stamp')
const { afterMicrotasks, reportException } = require('./tasks')

const PHASE = Object.freeze({ NONE: 0, CAPTURING: 1, AT_TARGET: 2, BUBBLING: 3 })

/** An event and its way along a target and the target's parents (DOM, "dispatch"). */
class Dispatch {
  #path
  #event
  #listenersOf
  #way
  /** What the accessors of the event show. */
  #shown
  #didThrow = false

  /**
   * @param {EventTarget[]} path the target, then its parents
   * @param {Event} event
   * @param {(target: EventTarget) => object | undefined} listenersOf
   */
  constructor(path, event, listenersOf) {
    this.#path = path
    this.#event = event
    this.#listenersOf = listenersOf
    this.#shown = shadow(event)
    if (this.#shown.path.length > 0) {
      throw exception('InvalidStateError', 'The event is being dispatched')
    }
    this.#shown.path = path
    this.#shown.target = path[0]
    this.#way = this.#walk()
  }

  /** Calls all listeners, one right after the other. */
  runNow() {
    while (!this.#way.next().done);
    this.#end()
  }

  /**
   * Calls all listeners, each followed by its microtasks.
   *
   * @param {(didThrow: boolean) => void} done
   */
  run(done) {
    if (this.#way.next().done) {
      this.#end()
      done(this.#didThrow)
    } else {
      afterMicrotasks(() => this.run(done))
    }
  }

  #end() {
    const shown = this.#shown
    shown.currentTarget = null
    shown.phase = PHASE.NONE
    shown.path = []
    shown.stopped = false
  }

  /** Stops behind each listener that was called. */
  *#walk() {
    const path = this.#path
    for (let i = path.length - 1; i >= 0; i--) {
      yield* this.#visit(path[i], i === 0 ? PHASE.AT_TARGET : PHASE.CAPTURING, true)
    }
    const last = this.#event.bubbles ? path.length : 1
    for (let i = 0; i < last; i++) {
      yield* this.#visit(path[i], i === 0 ? PHASE.AT_TARGET : PHASE.BUBBLING, false)
    }
  }

  *#visit(target, phase, capture) {
    const event = this.#event
    if (event.cancelBubble) return
    const list = this.#listenersOf(target)
    const each = list?.of(event.type)
    if (each === undefined) return
    const shown = this.#shown
    shown.currentTarget = target
    shown.phase = phase
    for (const listener of each) {
      if (listener.removed || listener.capture !== capture) continue
      if (listener.once) list.drop(listener)
      try {
        listener.call(event)
      } catch (error) {
        this.#didThrow = true
        reportException(error)
      }
      yield
      if (shown.stopped) return
    }
  }
}

/** What the accessors of each event show that was dispatched by us. */
const states = privateField()

/** What stands in for the accessors of Event, whose state only EventTarget can change. */
const accessors = {
  target: { get: shows('target') },
  srcElement: { get: shows('target') },
  currentTarget: { get: shows('currentTarget') },
  eventPhase: { get: shows('phase') },
  composedPath: {
    value() {
      const { path, currentTarget } = states.get(this)
      return currentTarget === null ? [] : [...path]
    },
    writable: true,
  },
  stopImmediatePropagation: {
    value() {
      this.stopPropagation()
      states.get(this).stopped = true
    },
    writable: true,
  },
}
for (const accessor of Object.values(accessors)) accessor.configurable = true

function shows(name) {
  return function () {
    return states.get(this)?.[name] ?? null
  }
}

/** Lets an event show where it is on its way. @returns {object} what it shows */
function shadow(event) {
  let state = states.get(event)
  if (state === undefined) {
    state = { target: null, currentTarget: null, phase: PHASE.NONE, path: [], stopped: false }
    states.set(event, state)
    if (!(event instanceof RequestEvent)) Object.defineProperties(event, accessors)
  }
  return state
}

/** The events of requests and transactions, which are many, have the accessors once and for all. */
class RequestEvent extends Event {}
Object.defineProperties(RequestEvent.prototype, {
  ...accessors,
  constructor: { value: Event, writable: true, configurable: true },
})

module.exports = { Dispatch, RequestEvent }
