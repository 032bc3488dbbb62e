'use strict'

// Taken once: tests of programs replace the global ones by some that never run.
const { setImmediate } = require('node:timers')
const { Promise } = require('./globals')
const { hrtime } = process

/**
 * Work that goes on from one microtask to the next, such as a scan or a bulk load, gives the event
 * loop its turn when it has run for this many milliseconds, so that timers and sockets of the
 * program are served meanwhile.
 */
const SLICE_MS = 4
/** About how often a `Pacer` looks at the clock, and the most steps between two looks. */
const LOOK_MS = 0.5
const MOST_STEPS = 64

/** When the current turn was first asked about, or 0. */
let begun = 0
/** Whether the end of the current turn will be noticed. */
let watched = false
/** What waits for a turn of its own, in order. */
const waiting = []

function watch() {
  if (watched) return
  watched = true
  setImmediate(turned)
}

/** A turn has ended. What waits goes on one by one, so that all of it does not add up. */
function turned() {
  begun = 0
  watched = false
  const resume = waiting.shift()
  if (waiting.length > 0) watch()
  resume?.()
}

/** A clock in milliseconds. The first use of `performance` would take one itself. */
function readClock() {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

/** Whether the current turn has lasted so long that it is time to wait for `nextTurn()`. */
function isDue(now = readClock()) {
  if (begun !== 0) return now - begun > SLICE_MS
  begun = now
  watch()
  return false
}

/** Calls a function when the event loop has turned. */
function onNextTurn(resume) {
  waiting.push(resume)
  watch()
}

/** Resolves when the event loop has turned. */
function nextTurn() {
  return new Promise(onNextTurn)
}

/** Looks at the clock, which costs as much as a short document, only every so many steps. */
class Pacer {
  left = 1
  steps = 1
  looked = 0

  /** Whether to wait for `nextTurn()` before the next step; to be asked at each. */
  isDue() {
    return --this.left <= 0 && this.look()
  }

  look() {
    const now = readClock()
    const passed = now - this.looked
    if (passed < LOOK_MS) this.steps = Math.min(MOST_STEPS, 2 * this.steps)
    else if (passed > 2 * LOOK_MS) this.steps = Math.ceil(this.steps / 2)
    this.left = this.steps
    this.looked = now
    return isDue(now)
  }
}

const answers = new Pacer()
// The first read of a process is slow enough without the clock.
answers.left = 8
let answering = null

/**
 * Passes on what was read at once: code that awaits one short read after the other would never let
 * the event loop turn.
 *
 * @template T
 * @param {T} answer
 * @returns {T | Promise<T>}
 */
const paced = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (answer) {
    if (!answers.isDue()) return answer
    answering ??= nextTurn().then(() => {
      answering = null
    })
    return answering.then(() => answer)
  }
)

module.exports = { Pacer, isDue, nextTurn, onNextTurn, paced, readClock }
