'use strict'

const { readValue, take } = require('./decode')
const { readFields } = require('./fields')
const { generateReader } = require('./generate-reader')
const { readNames } = require('./names')

/** Objects read before a reader is generated for their names, which costs some 30 µs. */
const READS_BEFORE_CODEGEN = 100
const MAX_NAMES = 128
/** As many lists of names are remembered; a power of two. */
const SLOTS = 64
/** Longer heads are read each time. */
const MAX_BYTES = 4096
/** Room for as many objects of a document is kept. */
const KEPT = 1024

/**
 * How an object begins that has its names inline: `count | names`.
 *
 * @typedef {object} Head
 * @property {Buffer | null} bytes null if it is not remembered
 * @property {readonly string[]} names
 * @property {(decoder: object, object: object, names: readonly string[]) => object} read reads the
 *   fields into the object, or into one of its own
 * @property {number} reads
 */

/**
 * Objects that have their names inline: heads that were met lately, since documents of a load or
 * rows of a pipeline mostly share theirs, and where in the document each stands.
 */
class InlineObjects {
  /** @type {(Head | null)[] | null} each at the place that its first bytes give it */
  #slots = null
  /** How long the head was that was read last at each place. */
  #lengths = null
  /** @type {number[]} where the objects of the document begin that have heads, ascending */
  #starts = []
  /** @type {Head[]} */
  #heads = []
  /** How many there are of them. */
  count = 0

  /** Begins another document. */
  clear() {
    if (this.count > KEPT) {
      this.#starts = []
      this.#heads = []
    }
    this.count = 0
  }

  /** An object with a head begins at `start`. */
  add(start, head) {
    this.#starts[this.count] = start
    this.#heads[this.count++] = head
  }

  /** The head of the object that begins at `start`; undefined if none does. */
  at(start) {
    const starts = this.#starts
    let from = 0
    let to = this.count
    while (from < to) {
      const middle = (from + to) >>> 1
      if (starts[middle] < start) from = middle + 1
      else to = middle
    }
    return from < this.count && starts[from] === start ? this.#heads[from] : undefined
  }

  /** Reads the head at the decoder's position. @returns {Head} */
  readHead(decoder) {
    const { buffer, position, end } = decoder
    const slot = slotOf(buffer, position)
    const known = this.#slots === null ? null : this.#slots[slot]
    if (known !== null && isAt(known.bytes, buffer, position, end)) {
      decoder.position = position + known.bytes.length
      return known
    }
    const names = readNames(decoder, buffer[take(decoder, 1)])
    const head = { bytes: null, names, read: readFields, reads: 0 }
    this.#remember(slot, head, decoder, position)
    return head
  }

  /** Keeps a head that begins at `from`, if it seems to come again. */
  #remember(slot, head, decoder, from) {
    const length = decoder.position - from
    if (length > MAX_BYTES) return
    if (this.#slots === null) {
      this.#slots = Array.from({ length: SLOTS }, () => null)
      this.#lengths = new Uint16Array(SLOTS)
    }
    if (this.#lengths[slot] === length) {
      head.bytes = Buffer.from(decoder.buffer.subarray(from, decoder.position))
      this.#slots[slot] = head
    }
    this.#lengths[slot] = length
  }
}

/** The place for a head: by its count, and by bytes of its first names. */
function slotOf(buffer, at) {
  const first = buffer[at] * 7 + buffer[at + 1] * 31 + buffer[at + 2] * 17
  return (first + buffer[at + 3] * 5 + buffer[at + 9]) & (SLOTS - 1)
}

function isAt(bytes, buffer, position, end) {
  const { length } = bytes
  if (length > end - position) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== buffer[position + i]) return false
  return true
}

/** What reads the fields of an object that begins so. */
function readerOf(head, decoder) {
  if (head.reads < READS_BEFORE_CODEGEN && ++head.reads === READS_BEFORE_CODEGEN) {
    const { names } = head
    if (names.length <= MAX_NAMES && decoder.shapes.mayGenerate()) {
      head.read = generateReader(names, readValue)
    }
  }
  return head.read
}

module.exports = { InlineObjects, readerOf }
