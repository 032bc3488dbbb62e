'use strict'

/** The transactions of one store that have not ended, in the order of their creation. */
class Line {
  constructor() {
    this.all = new Set()
    /** Those of them that may write. */
    this.writers = new Set()
    /** Those of them that have not begun. */
    this.waiting = new Set()
  }
}

/**
 * Which transactions wait for which: at each of its stores, one that writes waits for all that were
 * created before it, and one that only reads for those of them that write. Thousands may wait.
 */
class StoreLines {
  /** @type {Map<string, Line>} by the names of stores */
  #lines = new Map()
  /** The names and number of each transaction; an upgrade may change its scope later. */
  #places = new Map()
  #created = 0

  /** @param {import('./transaction-state').TransactionState} transaction */
  add(transaction) {
    const names = [...transaction.scope]
    this.#places.set(transaction, { names, order: this.#created++ })
    for (const name of names) {
      let line = this.#lines.get(name)
      if (line === undefined) this.#lines.set(name, (line = new Line()))
      line.all.add(transaction)
      line.waiting.add(transaction)
      if (transaction.mode !== 'readonly') line.writers.add(transaction)
    }
  }

  /** It has begun. */
  started(transaction) {
    for (const name of this.#places.get(transaction).names) {
      this.#lines.get(name).waiting.delete(transaction)
    }
  }

  /**
   * It has ended.
   *
   * @returns {object[]} those that may not wait for others any more, in the order of their creation
   */
  remove(transaction) {
    const { names } = this.#places.get(transaction)
    this.#places.delete(transaction)
    for (const name of names) {
      const line = this.#lines.get(name)
      line.all.delete(transaction)
      line.writers.delete(transaction)
      line.waiting.delete(transaction)
      if (line.all.size === 0) this.#lines.delete(name)
    }
    const free = new Set()
    for (const name of names) {
      const line = this.#lines.get(name)
      if (line !== undefined) this.#addFree(line, free)
    }
    return [...free].sort((a, b) => this.#orderOf(a) - this.#orderOf(b))
  }

  #addFree(line, free) {
    for (const each of line.waiting) {
      // Those behind it wait for the same one, or for it.
      if (!this.#isFreeIn(line, each)) return
      if (this.isFree(each)) free.add(each)
      if (each.mode !== 'readonly') return
    }
  }

  /** The next one that writes, if it waits for this transaction and no other. */
  nextAfter(transaction) {
    for (const name of this.#places.get(transaction).names) {
      const [next] = this.#lines.get(name).waiting
      if (next !== undefined && this.#waitsOnlyFor(transaction, next)) return next
    }
    return undefined
  }

  #waitsOnlyFor(transaction, next) {
    return this.#places.get(next).names.every((name) => {
      const [first, second] = this.#lines.get(name).all
      return first === next || (first === transaction && second === next)
    })
  }

  /** Whether a transaction waits for no other one. */
  isFree(transaction) {
    const { names } = this.#places.get(transaction)
    return names.every((name) => this.#isFreeIn(this.#lines.get(name), transaction))
  }

  #isFreeIn({ all, writers }, transaction) {
    const [first] = transaction.mode === 'readonly' ? writers : all
    return first === undefined || this.#orderOf(first) >= this.#orderOf(transaction)
  }

  #orderOf(transaction) {
    return this.#places.get(transaction).order
  }
}

module.exports = { StoreLines }
