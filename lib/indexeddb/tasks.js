'use strict'

/*
 * Tasks and the end of tasks, as the HTML standard has them. A task here is one turn of code: what
 * runs, and then all microtasks. Node.js runs `nextTick` callbacks when the microtasks have run, so
 * one that is asked for by a microtask comes when all of them have.
 */

// Taken once: tests of programs replace the global ones by some that never run.
const { setImmediate } = require('node:timers')
const { Promise } = require('../globals')
const pace = require('../pace')
const { Queue } = require('./queue')
const { nextTick } = process
const { then } = Promise.prototype
const resolved = Promise.resolve()

/** What is to be done at the end of a task. */
class Ending {
  constructor() {
    this.callbacks = []
    /** Whether the microtasks that were there when the first one came have run. */
    this.isDue = false
  }
}

/** The end of the current task. */
let ending = new Ending()

/**
 * Calls a function when all microtasks have run, those that they begin included, and with them the
 * current task has ended.
 */
function afterMicrotasks(callback) {
  Reflect.apply(then, resolved, [() => nextTick(beginTask, callback)])
}

function beginTask(callback) {
  // A `nextTick` callback before this one may have begun what has microtasks of its own.
  if (ending.callbacks.length > 0 && !ending.isDue) {
    afterMicrotasks(callback)
    return
  }
  endTask(ending)
  callback()
}

/** Calls a function at the end of the current task. */
function atEndOfTask(callback) {
  const own = ending
  if (own.callbacks.length === 0) {
    const onMicrotask = () => {
      own.isDue = true
      nextTick(endTask, own)
    }
    Reflect.apply(then, resolved, [onMicrotask])
  }
  own.callbacks.push(callback)
}

/** Ends a task, unless it has ended: others may have begun since. */
function endTask(own) {
  if (own !== ending || own.callbacks.length === 0) return
  ending = new Ending()
  for (const callback of own.callbacks) callback()
}

/** @type {Queue} of functions that take `done` */
const queue = new Queue()
let running = false

/**
 * Runs a task of its own, behind those that wait already.
 *
 * @param {(done: () => void) => void} task is over when it calls `done`
 */
function queueTask(task) {
  queue.push(task)
  if (running) return
  running = true
  setImmediate(runNext)
}

function runNext() {
  for (;;) {
    const task = queue.shift()
    let isWithin = true
    let isDone = false
    task(() => {
      isDone = true
      if (!isWithin && goOn()) runNext()
    })
    isWithin = false
    if (!isDone || !goOn()) return
  }
}

/** Whether the next task may begin at once; if not, it will when the event loop has turned. */
function goOn() {
  if (queue.length === 0) {
    running = false
    return false
  }
  if (!pace.isDue()) return true
  setImmediate(runNext)
  return false
}

/** Reports an exception of a listener: nobody can catch it. */
function reportException(error) {
  nextTick(() => {
    throw error
  })
}

module.exports = { afterMicrotasks, atEndOfTask, queueTask, reportException }
