'use strict'

const { asyncDispose } = require('../dispose')
const { describe, invalidArgument } = require('../options/check')

/**
 * Whether a document passes functions of the user.
 *
 * @param {readonly ((document: unknown) => unknown)[]} predicates
 * @param {unknown} document
 * @returns {boolean}
 * @throws {LodestoreError} INVALID_ARGUMENT for a function that is asynchronous; what it throws
 */
function passes(predicates, document) {
  for (const predicate of predicates) {
    const answer = predicate(document)
    if (typeof answer === 'object' && answer !== null && typeof answer.then === 'function') {
      throw invalidArgument(
        `filter: the function must answer at once, not with ${describe(answer)}`,
        'fn',
      )
    }
    if (!answer) return false
  }
  return true
}

/**
 * Iterates over those rows of another iterator that pass, with back-pressure; then lets it go.
 */
class PassingIterator {
  #rows

  /**
   * @param {() => AsyncIterator<object>} begin the rows as entries
   * @param {object} sift
   * @param {readonly Function[]} sift.predicates
   * @param {number} sift.skip rows that pass and are left out
   * @param {number} sift.limit rows that pass and are yielded at most
   * @param {(entry: object) => unknown} sift.take what is yielded of a row
   */
  constructor(begin, sift) {
    this.#rows = passing(begin, sift)
  }

  next() {
    return this.#rows.next()
  }

  return(value) {
    return this.#rows.return(value)
  }

  throw(error) {
    return this.#rows.throw(error)
  }

  async [asyncDispose]() {
    await this.#rows.return()
  }

  [Symbol.asyncIterator]() {
    return this
  }
}

async function* passing(begin, { predicates, skip, limit, take }) {
  let [skipped, yielded] = [0, 0]
  if (limit === 0) return
  for await (const entry of begin()) {
    if (!passes(predicates, entry.value)) continue
    if (skipped < skip) {
      skipped++
      continue
    }
    yield take(entry)
    if (++yielded === limit) return
  }
}

module.exports = { PassingIterator }
