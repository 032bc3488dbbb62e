'use strict'

const { randomUUID } = require('node:crypto')
const { setInterval, setTimeout } = require('node:timers')
const { Promise } = require('../globals')
const { printReport } = require('../native-event')
const { readClock } = require('../pace')

// Taken once: tests of programs replace the global one by one that stands still.
const { now: timeOfDay } = Date

/** How often what others hold is tried again. */
const RETRY_MS = 5
/** How often those who have a database open look for what is wanted of them. */
const WATCH_MS = 25
/** How long others have to make way before they are said to block. */
const PATIENCE_MS = 150
/** How often who waits says so again, and how old what it says may be. */
const REPEAT_MS = 250
const STALE_MS = 1000

/**
 * What one thread holds of a database's schema: shared while it has the database open, alone while
 * it changes or deletes it. Others may be threads or processes.
 */
class SchemaLock {
  #native
  /** @type {'none' | 'shared' | 'alone'} */
  #held = 'none'
  #timer = null
  /** What was asked last, so that it is told only once. */
  #seen = ''

  /** @param {object} native the calls of the native library */
  constructor(native) {
    this.#native = native
  }

  /** Waits until nobody changes the schema, or waits to, and keeps it so. */
  async share() {
    if (this.#held === 'shared') return
    // Who has it alone keeps it: others wait already.
    const isWanted = this.#held === 'alone' ? () => false : () => this.#wish() !== null
    while (isWanted() || !this.#native.trySchemaLock(false)) await sleep(RETRY_MS)
    this.#held = 'shared'
  }

  /**
   * Waits until nobody else has the database open.
   *
   * @param {object} wish `{ oldVersion, newVersion }`: what others are asked to make way for
   * @param {() => boolean} isOutdated whether others have done something that changes the wish
   * @param {() => Promise<void>} onBlocked called once, if they do not
   * @returns {Promise<boolean>} false if the wish is outdated: nothing is held then
   */
  async takeAlone(wish, isOutdated, onBlocked) {
    const begun = readClock()
    const id = randomUUID()
    let said = -Infinity
    let isBlocked = false
    try {
      while (!this.#tryAlone()) {
        if (isOutdated()) return false
        const now = readClock()
        if (now - said > REPEAT_MS) {
          said = now
          this.#say({ id, ...wish, time: timeOfDay() })
        }
        if (!isBlocked && now - begun > PATIENCE_MS) {
          isBlocked = true
          await onBlocked()
        }
        await sleep(RETRY_MS)
      }
      if (!isOutdated()) return true
      this.release()
      return false
    } finally {
      if (said !== -Infinity) this.#say(null)
    }
  }

  #tryAlone() {
    this.#held = 'none'
    if (!this.#native.trySchemaLock(true)) return false
    this.#held = 'alone'
    return true
  }

  #say(wish) {
    this.#native.leaveSchemaNote(
      wish === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(wish)),
    )
  }

  /** What somebody waits for, or null. */
  #wish() {
    const note = this.#native.readSchemaNote()
    if (note.length === 0) return null
    try {
      const wish = JSON.parse(note.toString())
      // The time of day may have been set back since.
      return Math.abs(timeOfDay() - wish.time) < STALE_MS ? wish : null
    } catch {
      // Whatever it is, nobody of ours has written it.
      return null
    }
  }

  /** Lets go. */
  release() {
    this.unwatch()
    if (this.#held === 'none') return
    this.#held = 'none'
    this.#native.unlockSchema()
  }

  /**
   * Looks for what others want, which does not keep the process alive.
   *
   * @param {(wish: { oldVersion: number, newVersion: number | null }) => void} onWish
   */
  watch(onWish) {
    if (this.#timer !== null) return
    this.#timer = setInterval(() => {
      const wish = this.#wishIfOpen()
      if (wish === null || wish.id === this.#seen) return
      this.#seen = wish.id
      onWish(wish)
    }, WATCH_MS)
    this.#timer.unref()
  }

  /**
   * The same; null, and no more looks, if the thread's end has closed the database already or its
   * disk has failed. Others wait until the connections are closed.
   */
  #wishIfOpen() {
    try {
      return this.#wish()
    } catch (error) {
      this.unwatch()
      if (error.code !== 'CLOSED') printReport(error)
      return null
    }
  }

  unwatch() {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}

function sleep(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

module.exports = { SchemaLock }
