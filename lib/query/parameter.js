'use strict'

const { LodestoreError } = require('../errors')

/** Stands for a value that a prepared query is given when it runs. */
class Parameter {
  #name

  /** @param {string} name */
  constructor(name) {
    this.#name = name
    // Whoever takes it for a value reads its fields.
    Object.defineProperty(this, '$param', { enumerable: true, get: misplaced })
    Object.freeze(this)
  }

  get name() {
    return this.#name
  }

  toJSON() {
    return { $param: this.#name }
  }
}

function misplaced() {
  throw new LodestoreError(
    'INVALID_ARGUMENT',
    'A parameter stands in the filter of a prepared query, and nowhere else',
  )
}

module.exports = { Parameter }
