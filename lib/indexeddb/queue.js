'use strict'

/** How many slots there are at first; a power of two. */
const FEWEST = 4

/** First in, first out: a ring of slots, which doubles when it is full. */
class Queue {
  #slots = emptySlots(FEWEST)
  #at = 0
  #length = 0

  get length() {
    return this.#length
  }

  /** The item that is the next to come out; undefined if there is none. */
  get first() {
    return this.#slots[this.#at]
  }

  push(item) {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#at + this.#length++) & (this.#slots.length - 1)] = item
  }

  shift() {
    const item = this.#slots[this.#at]
    if (this.#length === 0) return undefined
    this.#slots[this.#at] = undefined
    this.#at = (this.#at + 1) & (this.#slots.length - 1)
    this.#length--
    return item
  }

  /** Whether a function holds for every item. */
  every(holds) {
    for (let i = 0; i < this.#length; i++) {
      if (!holds(this.#slots[(this.#at + i) & (this.#slots.length - 1)])) return false
    }
    return true
  }

  /** Takes everything out. */
  drain() {
    const items = Array.from({ length: this.#length }, () => this.shift())
    this.#slots = emptySlots(FEWEST)
    this.#at = 0
    return items
  }

  #grow() {
    const slots = this.#slots
    const { length } = slots
    this.#slots = emptySlots(2 * length)
    for (let i = 0; i < length; i++) this.#slots[i] = slots[(this.#at + i) & (length - 1)]
    this.#at = 0
  }
}

function emptySlots(length) {
  return Array.from({ length }, () => undefined)
}

module.exports = { Queue }
