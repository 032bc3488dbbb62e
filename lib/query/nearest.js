'use strict'

const { types } = require('node:util')
const { describe, invalidArgument } = require('../options/check')
const { checkName } = require('../options/schema')
const { checkNearest } = require('../options/vector')
const { makeAwaitable } = require('./awaitable')
const { captureFilter, captureValue } = require('./capture')
const { asFilter } = require('./conditions')
const { checkExplain } = require('./options')
const run = require('./run')

/** What typed arrays may be vectors, each with what copies it. */
const TYPES = [
  [types.isFloat32Array, Float32Array],
  [types.isFloat64Array, Float64Array],
  [types.isInt8Array, Int8Array],
  [types.isUint8Array, Uint8Array],
]

/**
 * A search for the documents whose vectors are nearest to one. Nothing is read before it is
 * awaited, and each time it is read anew.
 */
class Nearest {
  #target
  #search
  #options

  /**
   * @param {object} target
   * @param {() => { scope: object, state: object }} target.resolve where it runs
   * @param {() => import('../catalog').StoreDefinition} target.definition
   * @param {{ index: string, vector: object, maxDistance?: number }} search
   * @param {{ k: number, filter?: object, select?: object, includeVectors: boolean,
   *   signal?: AbortSignal }} options
   */
  constructor(target, search, options) {
    this.#target = target
    this.#search = search
    this.#options = options
  }

  /** What was found, the nearest first. */
  async toArray() {
    return run.nearest(this.#target.resolve, this.#request(), this.#options.signal)
  }

  /** How the search is answered. */
  async explain(options) {
    const format = checkExplain(options)
    const { signal } = this.#options
    return run.explainNearest(this.#target.resolve, this.#request(), signal, format)
  }

  #request() {
    const { k, filter, select, includeVectors } = this.#options
    const request = { filter, nearest: { ...this.#search, k } }
    if (select !== undefined) request.select = select
    const left = includeVectors ? undefined : this.#target.definition().vectors
    // An index that is not there is told of by the native library.
    const on = left?.get(this.#search.index)?.on
    if (on !== undefined) request.select = { [on]: 0 }
    return request
  }
}
makeAwaitable(Nearest)

/**
 * Begins a search.
 *
 * @param {object} target see Nearest
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function nearestTo(target, index, vector, options) {
  const { maxDistance, where, select, ...rest } = checkNearest(options)
  const search = { index: checkName('nearest', index, 'index'), vector: copyOf(vector) }
  if (maxDistance !== undefined) search.maxDistance = maxDistance
  return new Nearest(target, search, {
    ...rest,
    filter: where === undefined ? {} : captureFilter(asFilter('nearest', where)),
    select: select === undefined ? undefined : captureValue('the selection', select),
  })
}

function copyOfTyped(vector, Type) {
  try {
    return new Type(vector)
  } catch {
    // Only an array whose memory was given away has nothing to copy.
    throw invalidArgument(
      'nearest: vector is detached, or out of the bounds of its buffer',
      'vector',
    )
  }
}

function copyOf(vector) {
  for (const [isOne, Type] of TYPES) {
    if (isOne(vector)) return copyOfTyped(vector, Type)
  }
  if (!Array.isArray(vector)) {
    const message = `nearest: vector must be a typed array or numbers, not ${describe(vector)}`
    throw invalidArgument(message, 'vector')
  }
  const copy = new Float64Array(vector.length)
  for (let at = 0; at < copy.length; at++) {
    const component = vector[at]
    if (typeof component !== 'number') {
      const message = `nearest: vector[${at}] must be a number, not ${describe(component)}`
      throw invalidArgument(message, `vector[${at}]`)
    }
    copy[at] = component
  }
  return copy
}

module.exports = { nearestTo }
