'use strict'

// Taken once: tests of programs replace the global one by one that keeps nothing alive.
const { setInterval } = require('node:timers')

/** The longest interval a timer can have. */
const FOREVER = 2 ** 31 - 1

let timer
let pending = 0

/** Keeps the process alive until the matching `release()`: an operation is under way. */
function retain() {
  if (pending++ > 0) return
  if (timer === undefined) timer = setInterval(() => {}, FOREVER)
  else timer.ref()
}

/** Ends one `retain()`. With none left, nothing here keeps the process alive. */
function release() {
  if (--pending === 0) timer.unref()
}

module.exports = { retain, release }
