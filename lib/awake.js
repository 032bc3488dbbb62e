'use strict'

// Taken once: tests of programs replace the global one by one that never runs.
const { setImmediate } = require('node:timers')
const { availableParallelism } = require('node:os')
const pace = require('./pace')

/** How long the event loop is kept awake for one answer: longer than a good disk takes to sync. */
const LONGEST_MS = 1
/** After so many answers in a row that took longer, it sleeps … */
const MISSES = 3
/** … while so many are waited for. */
const PAUSE = 100

/** Whether another processor can do the work meanwhile. */
const isPossible = availableParallelism() > 1

/**
 * Keeps the event loop turning until an answer of the writer thread comes, if answers come soon. A
 * loop that sleeps, and the processor with it, takes as long to wake as a third of a commit does on
 * a good disk, for which a caller who awaits one write after the other waits each time. While it
 * turns, it looks for the answer itself, so nobody has to tell it. Whatever else the loop has to do
 * is done meanwhile.
 */
class Awake {
  #connection
  /** What is waited for; 0 if nothing is. */
  #ticket = 0
  #since = 0
  #misses = 0
  #pause = 0
  #turn = () => this.#look()

  /** @param {import('./connection').Connection} connection */
  constructor(connection) {
    this.#connection = connection
  }

  /** An operation has been handed over, and is now waited for. */
  wait(ticket) {
    if (this.#ticket !== 0 || !isPossible) return
    if (this.#pause > 0) {
      this.#pause--
      return
    }
    this.#ticket = ticket
    this.#since = pace.readClock()
    setImmediate(this.#turn)
  }

  #isAnswered() {
    return this.#connection.tickets.get(this.#ticket) === undefined
  }

  #look() {
    const willLook = !this.#isAnswered() && pace.readClock() - this.#since < LONGEST_MS
    this.#connection.take(this.#connection.native.look(willLook))
    const isAnswered = this.#isAnswered()
    if (willLook && !isAnswered) {
      setImmediate(this.#turn)
      return
    }
    this.#ticket = 0
    this.#misses = isAnswered ? 0 : this.#misses + 1
    if (this.#misses === MISSES) {
      this.#misses = 0
      this.#pause = PAUSE
    }
  }
}

module.exports = { Awake }
