'use strict'

const { checkPath } = require('../key-path')
const {
  abortSignal,
  anything,
  boolean,
  callback,
  checkDefinitions,
  checkOptions,
  integer,
  invalidArgument,
  oneOf,
} = require('./check')

const MOST_DIMENSIONS = 65_536
const MOST_HITS = 2 ** 32 - 1
/** Documents that are found if nothing else is said. */
const HITS = 10

/** @type {import('./check').Kind} */
const number = {
  allows: 'a number',
  accepts: (value) => typeof value === 'number' && !Number.isNaN(value),
}

const FORM = {
  dimensions: integer(1, MOST_DIMENSIONS),
  metric: oneOf('cosine', 'dot', 'l2', 'hamming'),
}

const VECTOR_OPTIONS = { on: anything, ...FORM }

const CREATE_VECTOR_INDEX_OPTIONS = { ...FORM, onProgress: callback, signal: abortSignal }

const NEAREST_OPTIONS = {
  k: integer(1, MOST_HITS),
  where: anything,
  exact: boolean,
  maxDistance: number,
  select: anything,
  includeVectors: boolean,
  signal: abortSignal,
}

/**
 * A vector index as the schema operations take it.
 *
 * @typedef {object} VectorSchema
 * @property {string} name
 * @property {string} on
 * @property {number} dimensions
 * @property {'cosine' | 'dot' | 'l2' | 'hamming'} metric
 */

/**
 * Checks the definition of a vector index.
 *
 * @param {string} method
 * @param {string} name
 * @param {unknown} on a path
 * @param {{ dimensions?: number, metric?: string }} form
 * @param {string} argument where `on` stands among the arguments
 * @returns {VectorSchema}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function vectorSchema(method, name, on, { dimensions, metric = 'cosine' }, argument) {
  // `on` and the rest stand side by side, in a definition or in arguments.
  const formAt = argument.endsWith('.on') ? argument.slice(0, -'.on'.length) : 'options'
  const path = checkPath(method, on, argument)
  if (dimensions === undefined) {
    const message = `${method}: ${formAt}.dimensions says how many components a vector has`
    throw invalidArgument(message, `${formAt}.dimensions`)
  }
  if (metric === 'hamming' && dimensions % 8 !== 0) {
    const message = `${method}: ${formAt}.dimensions of vectors of bits must be a multiple of 8`
    throw invalidArgument(message, `${formAt}.dimensions`)
  }
  return { name, on: path, dimensions, metric }
}

/**
 * Checks the definitions of the vector indexes of a store.
 *
 * @param {string} method
 * @param {unknown} vectors by name
 * @param {string} path where they stand among the arguments
 * @returns {VectorSchema[]}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkVectors(method, vectors, path) {
  return checkDefinitions(method, vectors, VECTOR_OPTIONS, path, vectorSchema)
}

/**
 * Checks the options of `nearest`.
 *
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkNearest(options) {
  const checked = checkOptions('nearest', options, NEAREST_OPTIONS)
  if (checked.includeVectors !== undefined && checked.select !== undefined) {
    const message = 'nearest: options.select says which fields there are; give it alone'
    throw invalidArgument(message, 'options.includeVectors')
  }
  return { k: HITS, includeVectors: true, ...checked }
}

module.exports = {
  CREATE_VECTOR_INDEX_OPTIONS,
  checkNearest,
  checkVectors,
  vectorSchema,
}
