'use strict'

const { readValue } = require('./decode')
const { readFields } = require('./fields')
const { generateReader } = require('./generate-reader')

/** Objects read before a reader is generated for their names, which costs some 30 µs. */
const READS_BEFORE_CODEGEN = 100
const MAX_NAMES = 128
/** Longer heads are read each time. */
const MAX_BYTES = 4096

/** How objects begin that have their names inline: rows of pipelines, each with the same ones. */
class InlineHeads {
  constructor() {
    /** The one that was met last. */
    this.last = null
    /** How long the head was that was read last. */
    this.length = 0
  }

  /** The head at the decoder's position, if it is that of the object before; moves behind it. */
  match(decoder) {
    const { last } = this
    if (last === null) return null
    const { bytes } = last
    const { buffer, position } = decoder
    const { length } = bytes
    if (length > decoder.end - position) return null
    for (let i = 0; i < length; i++) if (bytes[i] !== buffer[position + i]) return null
    decoder.position = position + length
    return last
  }

  /** Remembers the names that were read, which begin at `from`, if they seem to come again. */
  remember(decoder, from, names) {
    const length = decoder.position - from
    const isSame = length === this.length
    this.length = length
    if (!isSame || length > MAX_BYTES) return
    const bytes = Buffer.from(decoder.buffer.subarray(from, decoder.position))
    this.last = { bytes, names, read: readFields, reads: 0 }
  }

  /** What reads the fields of an object that begins so. */
  readerOf(head, decoder) {
    if (head.reads < READS_BEFORE_CODEGEN && ++head.reads === READS_BEFORE_CODEGEN) {
      const { names } = head
      if (decoder.shapes.codegen && names.length <= MAX_NAMES) {
        head.read = generateReader(names, readValue)
      }
    }
    return head.read
  }
}

module.exports = { InlineHeads }
