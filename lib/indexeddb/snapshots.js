'use strict'

const { PinnedView } = require('../pinned-view')

/**
 * The snapshots that the transactions of a database read from. Those that begin in one state share
 * one: a program may begin thousands at once, and readers are limited over all processes.
 */
class Snapshots {
  #connection
  /** The newest one that is open. @type {PinnedView | null} */
  #newest = null
  /** How many transactions read from each. @type {Map<PinnedView, number>} */
  #users = new Map()

  /** @param {import('../connection').Connection} connection */
  constructor(connection) {
    this.#connection = connection
  }

  /**
   * A snapshot of the newest state, to be given back to `close`.
   *
   * @returns {PinnedView}
   * @throws {LodestoreError} READERS_FULL, CLOSED
   */
  open() {
    if (this.#newest === null || !this.#isCurrent(this.#newest)) {
      this.#newest = new PinnedView(this.#connection, { allowed: null, inTransaction: true })
    }
    this.#users.set(this.#newest, (this.#users.get(this.#newest) ?? 0) + 1)
    return this.#newest
  }

  /** As `open`; null if all readers are taken. */
  openIfFree() {
    try {
      return this.open()
    } catch (error) {
      if (error.code === 'READERS_FULL') return null
      throw error
    }
  }

  #isCurrent({ snapshot }) {
    const { memory } = this.#connection
    return memory.transactionIdOf(snapshot) === memory.lastTransactionId()
  }

  /** Lets go of a snapshot, which ends with its last user. */
  close(view) {
    const users = this.#users.get(view) - 1
    if (users > 0) {
      this.#users.set(view, users)
      return
    }
    this.#users.delete(view)
    if (this.#newest === view) this.#newest = null
    view.close()
  }
}

module.exports = { Snapshots }
