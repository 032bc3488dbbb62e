'use strict'

// Taken once: tests of programs replace the global one by one that never runs.
const { setImmediate } = require('node:timers')

/**
 * The turn of the event loop. The native library reads one state for the whole of it, which is let
 * go of at its end: a state that is held keeps old pages from being used again.
 */
class Turn {
  /** @param {() => void} end called at the end of a turn in which a state was held */
  constructor(end) {
    /** Whether something may hold a state. */
    this.holds = false
    /** Whether the catalog was compared with the newest one. */
    this.compared = false
    this.finish = () => {
      this.holds = false
      this.compared = false
      end()
    }
  }

  /** Call it before whatever reads the state of the turn. */
  hold() {
    if (this.holds) return
    this.holds = true
    setImmediate(this.finish)
  }
}

module.exports = { Turn }
