'use strict'

const { encodeKeyToBuffer } = require('../key')
const { describe, invalidArgument } = require('../options/check')
const { isPlainObject } = require('../options/query')
const { checkName } = require('../options/schema')
const { checkExamples, checkSearch, checkVectorList } = require('../options/vector')
const { makeAwaitable } = require('./awaitable')
const { captureFilter, captureValue } = require('./capture')
const { asFilter } = require('./conditions')
const { checkExplain } = require('./options')
const run = require('./run')
const { copyTypedArray } = require('./typed-arrays')

/** What searches have in common. Nothing is read before one is awaited, and each time anew. */
class Search {
  #target
  #search
  #options

  /**
   * @param {object} target
   * @param {() => { scope: object, state: object }} target.resolve where it runs
   * @param {() => import('../catalog').StoreDefinition} target.definition
   * @param {{ index: string }} search what is searched for
   * @param {{ filter?: object, select?: object, includeVectors: boolean,
   *   signal?: AbortSignal }} options
   */
  constructor(target, search, options) {
    this.#target = target
    this.#search = search
    this.#options = options
  }

  /** How the search is answered. */
  async explain(options) {
    const format = checkExplain(options)
    return this.ask((...question) => run.explainNearest(...question, format))
  }

  /** Has something ask the question: it is given where it is asked, the request, and a signal. */
  ask(how) {
    const { filter, select, includeVectors, signal } = this.#options
    const request = { filter, nearest: this.#search }
    if (select !== undefined) request.select = select
    const left = includeVectors ? undefined : this.#target.definition().vectors
    // An index that is not there is told of by the native library.
    const on = left?.get(this.#search.index)?.on
    if (on !== undefined) request.select = { [on]: 0 }
    return how(this.#target.resolve, request, signal)
  }
}

/** A search for the documents whose vectors are nearest to one. */
class Nearest extends Search {
  /** What was found, the nearest first. */
  async toArray() {
    return this.ask(run.nearest)
  }
}
makeAwaitable(Nearest)

/** Searches for the documents nearest to each of several vectors. */
class NearestMany extends Search {
  #count

  constructor(count, ...parts) {
    super(...parts)
    this.#count = count
  }

  /** What was found for each vector, the nearest first. */
  async toArray() {
    return this.ask((...question) => run.nearestMany(...question, this.#count))
  }
}
makeAwaitable(NearestMany)

/**
 * Begins a search.
 *
 * @param {object} target see Search
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function nearestTo(target, index, vector, options) {
  const to = (method) => ({ vector: copyOf(method, vector, 'vector') })
  return new Nearest(target, ...partsOf('nearest', index, to, options))
}

/** Begins a search for each of several vectors. See `nearestTo`. */
function nearestToMany(target, index, vectors, options) {
  const to = (method, { k }) => {
    const list = checkVectorList(vectors, k)
    return { vectors: list.map((vector, at) => copyOf(method, vector, `vectors[${at}]`)) }
  }
  const parts = partsOf('nearestMany', index, to, options)
  return new NearestMany(parts[0].vectors.length, target, ...parts)
}

/** Begins a search for documents that are like examples. See `nearestTo`. */
function recommend(target, index, examples, options) {
  const to = (method) => {
    const { positive, negative } = checkExamples(examples)
    const copied = (name, list) => list.map((one, at) => exampleOf(method, one, `${name}[${at}]`))
    return {
      positive: copied('examples.positive', positive),
      negative: copied('examples.negative', negative),
    }
  }
  return new Nearest(target, ...partsOf('recommend', index, to, options))
}

/** What is searched for, and the rest of a search. */
function partsOf(method, index, to, options) {
  const checked = checkSearch(method, options)
  const { k, maxDistance, efSearch, exact, mmr, where, select, ...rest } = checked
  const search = { index: checkName(method, index, 'index'), k, ...to(method, checked) }
  if (maxDistance !== undefined) search.maxDistance = maxDistance
  if (efSearch !== undefined) search.efSearch = efSearch
  if (exact !== undefined) search.exact = exact
  if (mmr !== undefined) search.mmr = mmr
  const parts = {
    ...rest,
    filter: where === undefined ? {} : captureFilter(asFilter(method, where)),
    select: select === undefined ? undefined : captureValue('the selection', select),
  }
  return [search, parts]
}

/** An example: a vector, or the key of a document. */
function exampleOf(method, example, at) {
  if (!isPlainObject(example)) return new Uint8Array(encodeKeyToBuffer(example))
  const names = Object.keys(example)
  if (names.length === 1 && names[0] === 'vector') {
    return { vector: copyOf(method, example.vector, `${at}.vector`) }
  }
  throw invalidArgument(`${method}: ${at} must be a key, or { vector }`, at)
}

function copyOf(method, vector, at) {
  if (Array.isArray(vector)) return copyOfNumbers(method, vector, at)
  let copy
  try {
    copy = copyTypedArray(vector)
  } catch {
    // Only an array whose memory was given away has nothing to copy.
    const message = `${method}: ${at} is detached, or out of the bounds of its buffer`
    throw invalidArgument(message, at)
  }
  if (copy !== undefined) return copy
  const message = `${method}: ${at} must be a typed array or numbers, not ${describe(vector)}`
  throw invalidArgument(message, at)
}

function copyOfNumbers(method, vector, at) {
  const copy = new Float64Array(vector.length)
  for (let i = 0; i < copy.length; i++) {
    const component = vector[i]
    if (typeof component !== 'number') {
      const given = describe(component)
      const message = `${method}: ${at}[${i}] must be a number, not ${given}`
      throw invalidArgument(message, `${at}[${i}]`)
    }
    copy[i] = component
  }
  return copy
}

module.exports = { nearestTo, nearestToMany, recommend }
