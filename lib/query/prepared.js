'use strict'

const { describe, invalidArgument, isOptionsObject } = require('../options/check')
const { captureFilter, captureLiteral } = require('./capture')
const { Parameter } = require('./parameter')

/** A query whose values are given when it runs. */
class PreparedQuery {
  #begin
  #filter
  #names

  /**
   * @param {(filter: object) => import('./query').Query} begin makes the query of a filter
   * @param {object} filter captured, with parameters
   */
  constructor(begin, filter) {
    this.#begin = begin
    this.#filter = filter
    const names = new Set()
    replace(filter, ({ name }) => names.add(name))
    this.#names = names
  }

  /** The names of the parameters. */
  get parameters() {
    return [...this.#names]
  }

  /**
   * The query with these values.
   *
   * @param {Record<string, unknown>} [parameters]
   * @returns {import('./query').Query}
   * @throws {LodestoreError} INVALID_ARGUMENT for one that is missing or not there
   */
  run(parameters = {}) {
    if (!isOptionsObject(parameters)) {
      const message = `run: parameters must be an object, not ${describe(parameters)}`
      throw invalidArgument(message, 'parameters')
    }
    for (const name of Object.keys(parameters)) {
      if (this.#names.has(name)) continue
      const message = `run: the query has no parameter '${name}'`
      throw invalidArgument(message, `parameters.${name}`)
    }
    const values = new Map()
    for (const name of this.#names) {
      if (!Object.hasOwn(parameters, name)) {
        const message = `run: the parameter '${name}' has no value`
        throw invalidArgument(message, `parameters.${name}`)
      }
      values.set(name, captureLiteral(`the parameter '${name}'`, parameters[name]))
    }
    return this.#begin(replace(this.#filter, ({ name }) => values.get(name)))
  }
}

/** A copy of captured data with something in place of each parameter. */
function replace(node, valueOf) {
  if (node instanceof Parameter) return valueOf(node)
  if (Array.isArray(node)) return node.map((item) => replace(item, valueOf))
  if (typeof node !== 'object' || node === null || !isPlain(node)) return node
  const copy = Object.create(Object.getPrototypeOf(node))
  for (const name of Object.keys(node)) copy[name] = replace(node[name], valueOf)
  return copy
}

/** Whether an object of captured data has fields, rather than being of a built-in type. */
function isPlain(node) {
  const prototype = Object.getPrototypeOf(node)
  return prototype === Object.prototype || prototype === null
}

/**
 * Prepares a query.
 *
 * @param {(filter: object) => import('./query').Query} begin
 * @param {object} filter
 * @returns {PreparedQuery}
 * @throws {LodestoreError} INVALID_QUERY
 */
function prepare(begin, filter) {
  return new PreparedQuery(begin, captureFilter(filter, true))
}

module.exports = { prepare }
