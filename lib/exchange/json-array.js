'use strict'

const { badLine } = require('./bad-line')

const STATE = Object.freeze({ BEFORE: 0, FIRST: 1, NEXT: 2, WITHIN: 3, AFTER: 4 })
const SPACES = new Set('\t\r\n ')

/**
 * The texts of the elements of a JSON array, one by one; whoever parses them finds what is wrong
 * inside. An array of documents may be larger than memory.
 *
 * @param {AsyncIterable<string>} pieces
 * @returns {AsyncGenerator<import('./lines').Part>}
 */
async function* elementsOf(pieces) {
  const splitter = new Splitter()
  for await (const piece of pieces) yield* splitter.take(piece)
  splitter.end()
}

class Splitter {
  #state = STATE.BEFORE
  #line = 1
  /** Where the current element begins, and what of it came with earlier pieces. */
  #begun = 0
  #text = ''
  #depth = 0
  #isString = false
  #isEscaped = false;

  *take(piece) {
    let from = 0
    for (let i = 0; i < piece.length; i++) {
      const letter = piece[i]
      if (letter === '\n') this.#line++
      if (this.#state !== STATE.WITHIN) {
        if (SPACES.has(letter) || !this.#begins(letter)) continue
        from = i
      }
      if (!this.#ends(letter)) continue
      yield { line: this.#begun, text: this.#text + piece.slice(from, i) }
      this.#state = letter === ',' ? STATE.NEXT : STATE.AFTER
      this.#text = ''
      from = piece.length
    }
    if (this.#state === STATE.WITHIN) this.#text += piece.slice(from)
  }

  /** Whether an element begins here. */
  #begins(letter) {
    switch (this.#state) {
      case STATE.BEFORE:
        if (letter !== '[') throw badLine(this.#line, 'the source is not a JSON array')
        this.#state = STATE.FIRST
        return false
      case STATE.AFTER:
        throw badLine(this.#line, 'something follows the end of the array')
      default:
        if (letter === ']' && this.#state === STATE.FIRST) {
          this.#state = STATE.AFTER
          return false
        }
        this.#state = STATE.WITHIN
        this.#begun = this.#line
        return true
    }
  }

  /** Whether the element has ended before this letter. */
  #ends(letter) {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (letter === '\\') this.#isEscaped = true
      else if (letter === '"') this.#isString = false
      return false
    }
    if (letter === '"') this.#isString = true
    else if (letter === '{' || letter === '[') this.#depth++
    else if (letter === ',' || letter === ']') {
      if (this.#depth === 0) return true
      if (letter === ']') this.#depth--
    } else if (letter === '}') this.#depth--
    return false
  }

  /** @throws {LodestoreError} INVALID_ARGUMENT if the array has not ended */
  end() {
    if (this.#state !== STATE.AFTER) throw badLine(this.#line, 'the array is cut off')
  }
}

module.exports = { elementsOf }
