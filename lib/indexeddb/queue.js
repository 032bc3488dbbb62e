'use strict'

/** How many places that were left may stay before they are given up. */
const SLACK = 1024

/** First in, first out; both in constant time, on average. */
class Queue {
  #items = []
  #at = 0

  get length() {
    return this.#items.length - this.#at
  }

  /** The item that is the next to come out; undefined if there is none. */
  get first() {
    return this.#items[this.#at]
  }

  push(item) {
    this.#items.push(item)
  }

  shift() {
    const item = this.#items[this.#at]
    if (this.length > 0) this.#items[this.#at++] = undefined
    if (this.#at === this.#items.length) {
      this.#items = []
      this.#at = 0
    } else if (this.#at > SLACK && this.#at * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#at)
      this.#at = 0
    }
    return item
  }

  /** Takes everything out. */
  drain() {
    const items = this.#items.slice(this.#at)
    this.#items = []
    this.#at = 0
    return items
  }
}

module.exports = { Queue }
