'use strict'

const keepAlive = require('./keep-alive')

/**
 * What waits for a completion.
 *
 * @typedef {object} Completion
 * @property {(payload: Buffer) => void} complete
 * @property {(failure: Buffer) => void} fail called with the encoded error document
 * @property {(progress: Buffer) => void} [progress]
 */

/** Connections with operations under way: a caller may wait for one that holds nothing else. */
const busy = new Set()

/** The operations of one connection that the native library has not completed. */
class Tickets {
  /** @param {object} owner kept from being collected while an operation is under way */
  constructor(owner) {
    this.owner = owner
    /** @type {Map<number, Completion>} */
    this.waiting = new Map()
    this.last = 0
  }

  /**
   * Registers an operation that is about to begin.
   *
   * @param {Completion} completion
   * @returns {number} its ticket, never 0
   */
  open(completion) {
    do {
      this.last = this.last === 0xffffffff ? 1 : this.last + 1
    } while (this.waiting.has(this.last))
    if (this.waiting.size === 0) busy.add(this.owner)
    this.waiting.set(this.last, completion)
    keepAlive.retain()
    return this.last
  }

  /** The completion that waits under a ticket. */
  get(ticket) {
    return this.waiting.get(ticket)
  }

  /** Takes an operation out: it has ended, or did not begin. */
  close(ticket) {
    const completion = this.waiting.get(ticket)
    if (completion === undefined) return undefined
    this.waiting.delete(ticket)
    if (this.waiting.size === 0) busy.delete(this.owner)
    keepAlive.release()
    return completion
  }
}

module.exports = { Tickets }
