'use strict'

const { badLine } = require('./bad-line')

/*
 * Comma-separated values, by RFC 4180: a field in quotes may have separators, line ends and,
 * doubled, quotes.
 */

/**
 * A row of a source.
 *
 * @typedef {object} Row
 * @property {number} line where it begins, from 1
 * @property {string[]} [cells]
 * @property {boolean[]} [quoted] which of them stood in quotes
 * @property {Error} [error] why there are none
 */

const STATE = Object.freeze({ START: 0, PLAIN: 1, QUOTED: 2, QUOTE: 3 })

/**
 * @param {AsyncIterable<string>} pieces
 * @param {string} separator one letter
 * @returns {AsyncGenerator<Row>}
 */
async function* rowsOf(pieces, separator) {
  const reader = new RowReader(separator)
  for await (const piece of pieces) yield* reader.take(piece)
  yield* reader.end()
}

class RowReader {
  #separator
  #state = STATE.START
  #line = 1
  #begun = 1
  #cell = ''
  #cells = []
  #quoted = []
  #error = null
  #wasReturn = false

  constructor(separator) {
    this.#separator = separator
  }

  *take(piece) {
    for (const letter of piece) {
      const isNewline = letter === '\n' || letter === '\r'
      const isSecondOfTwo = letter === '\n' && this.#wasReturn
      this.#wasReturn = letter === '\r'
      if (this.#state === STATE.QUOTED) {
        if (letter === '"') this.#state = STATE.QUOTE
        else this.#cell += letter
        if (letter === '\n') this.#line++
      } else if (isNewline) {
        if (isSecondOfTwo) continue
        yield* this.#endRow()
      } else {
        this.#put(letter)
      }
    }
  }

  #put(letter) {
    if (letter === this.#separator) {
      this.#endCell()
    } else if (this.#state === STATE.QUOTE) {
      if (letter === '"') {
        this.#cell += letter
        this.#state = STATE.QUOTED
      } else {
        this.#error ??= badLine(this.#line, 'something follows the quotes of a field')
      }
    } else if (this.#state === STATE.START && letter === '"') {
      this.#state = STATE.QUOTED
    } else {
      this.#cell += letter
      this.#state = STATE.PLAIN
    }
  }

  #endCell() {
    this.#cells.push(this.#cell)
    this.#quoted.push(this.#state === STATE.QUOTE)
    this.#cell = ''
    this.#state = STATE.START
  }

  *#endRow() {
    const line = this.#begun
    this.#begun = ++this.#line
    const isEmpty = this.#cells.length === 0 && this.#cell === '' && this.#state === STATE.START
    if (isEmpty) return
    this.#endCell()
    yield this.#error === null
      ? { line, cells: this.#cells, quoted: this.#quoted }
      : { line, error: this.#error }
    this.#cells = []
    this.#quoted = []
    this.#error = null
  }

  *end() {
    if (this.#state === STATE.QUOTED) {
      yield { line: this.#begun, error: badLine(this.#begun, 'the quotes of a field do not end') }
    } else {
      yield* this.#endRow()
    }
  }
}

/**
 * A row as a line of text. An empty text is quoted, to differ from nothing.
 *
 * @param {(string | null)[]} cells null for nothing
 * @param {string} separator
 */
function rowText(cells, separator) {
  return `${cells.map((cell) => cellText(cell, separator)).join(separator)}\r\n`
}

function cellText(cell, separator) {
  if (cell === null) return ''
  const isPlain = cell !== '' && !cell.includes(separator) && !/["\r\n]/.test(cell)
  return isPlain ? cell : `"${cell.replaceAll('"', '""')}"`
}

module.exports = { rowText, rowsOf }
