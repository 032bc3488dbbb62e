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
/** Vectors, or examples, of one search. */
const MOST_VECTORS = 10_000
/** Documents that all searches of one call give. */
const MOST_ALL_HITS = 1_000_000
/** Documents that `mmr` chooses from. */
const MOST_FETCHED = 10_000
/** Documents that are found if nothing else is said. */
const HITS = 10

/** @type {import('./check').Kind} */
const number = {
  allows: 'a number',
  accepts: (value) => typeof value === 'number' && !Number.isNaN(value),
}

const EF = integer(8, 65_536)

/** What the graph of an index is like. */
const GRAPH = {
  precision: oneOf('f32', 'f16', 'bf16', 'i8', 'b1'),
  m: integer(4, 128),
  efConstruction: EF,
  efSearch: EF,
  memoryLimit: integer(0, Number.MAX_SAFE_INTEGER, ' bytes'),
}

const FORM = {
  dimensions: integer(1, MOST_DIMENSIONS),
  metric: oneOf('cosine', 'dot', 'l2', 'hamming'),
  ...GRAPH,
}

/** What a graph is like of which nothing is said; `null`: as it finds out by itself. */
const DEFAULT_GRAPH = {
  precision: 'bf16',
  m: 16,
  efConstruction: 128,
  efSearch: null,
  memoryLimit: 2 ** 31,
}

const VECTOR_OPTIONS = { on: anything, ...FORM }

const CREATE_VECTOR_INDEX_OPTIONS = { ...FORM, onProgress: callback, signal: abortSignal }

const MMR_OPTIONS = {
  lambda: {
    allows: 'a number from 0 to 1',
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  fetchK: integer(1, MOST_FETCHED),
}

const EXAMPLES = { positive: anything, negative: anything }

const NEAREST_OPTIONS = {
  k: integer(1, MOST_HITS),
  where: anything,
  efSearch: EF,
  exact: boolean,
  maxDistance: number,
  mmr: anything,
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
 * @property {'f32' | 'f16' | 'bf16' | 'i8' | 'b1'} precision
 * @property {number} m
 * @property {number} efConstruction
 * @property {number | null} efSearch
 * @property {number} memoryLimit
 */

/**
 * Checks the definition of a vector index.
 *
 * @param {string} method
 * @param {string} name
 * @param {unknown} on a path
 * @param {{ dimensions?: number, metric?: string } & Partial<VectorSchema>} form
 * @param {string} argument where `on` stands among the arguments
 * @returns {VectorSchema}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function vectorSchema(method, name, on, { dimensions, metric = 'cosine', ...form }, argument) {
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
  const isBinary = metric === 'hamming'
  const { precision = isBinary ? 'b1' : 'bf16' } = form
  if (isBinary !== (precision === 'b1')) {
    const message =
      `${method}: ${formAt}.precision 'b1' goes with the metric hamming, which goes with no ` +
      'other one'
    throw invalidArgument(message, `${formAt}.precision`)
  }
  return { name, on: path, dimensions, metric, ...graphOf({ ...form, precision }) }
}

/** What is said of a graph, and what is not. */
function graphOf(form) {
  const said = ([name, value]) => [name, form[name] ?? value]
  return Object.fromEntries(Object.entries(DEFAULT_GRAPH).map(said))
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
 * Checks the options of a search.
 *
 * @param {string} method
 * @param {unknown} options
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkSearch(method, options) {
  const checked = checkOptions(method, options, NEAREST_OPTIONS)
  if (checked.includeVectors !== undefined && checked.select !== undefined) {
    const message = `${method}: options.select says which fields there are; give it alone`
    throw invalidArgument(message, 'options.includeVectors')
  }
  const { k = HITS, includeVectors = true } = checked
  const mmr = checkMmr(method, checked.mmr, k)
  return { ...checked, k, includeVectors, mmr }
}

function checkMmr(method, mmr, k) {
  if (mmr === undefined) return undefined
  const checked = checkOptions(method, mmr, MMR_OPTIONS, 'options.mmr')
  if ((checked.fetchK ?? MOST_FETCHED) >= k) return checked
  const message =
    checked.fetchK === undefined
      ? `${method}: with options.mmr, options.k is ${MOST_FETCHED} at most`
      : `${method}: options.mmr.fetchK must be as many as options.k (${k}), or more`
  throw invalidArgument(message, checked.fetchK === undefined ? 'options.k' : 'options.mmr.fetchK')
}

/**
 * Checks the examples of `recommend`.
 *
 * @param {unknown} examples
 * @returns {{ positive: unknown[], negative: unknown[] }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkExamples(examples) {
  const { positive, negative = [] } = checkOptions('recommend', examples, EXAMPLES, 'examples')
  const lists = { positive: listed(positive, 'positive'), negative: listed(negative, 'negative') }
  if (lists.positive.length > 0) return lists
  const message = 'recommend: examples.positive must have an example at least'
  throw invalidArgument(message, 'examples.positive')
}

function listed(examples, name) {
  const isIterable =
    typeof examples === 'object' && examples !== null && Symbol.iterator in examples
  if (!isIterable || ArrayBuffer.isView(examples)) {
    const message = `recommend: examples.${name} must be an array of keys and { vector }`
    throw invalidArgument(message, `examples.${name}`)
  }
  const list = Array.from(examples)
  if (list.length <= MOST_VECTORS) return list
  const message = `recommend: there may be ${MOST_VECTORS} examples in examples.${name}`
  throw invalidArgument(message, `examples.${name}`)
}

/**
 * Checks what `nearestMany` searches for.
 *
 * @param {unknown} vectors
 * @param {number} k
 * @returns {unknown[]}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkVectorList(vectors, k) {
  const isIterable = typeof vectors === 'object' && vectors !== null && Symbol.iterator in vectors
  if (!isIterable || ArrayBuffer.isView(vectors)) {
    const message = 'nearestMany: vectors must be iterable, such as an array of vectors'
    throw invalidArgument(message, 'vectors')
  }
  const list = Array.from(vectors)
  if (list.length > MOST_VECTORS) {
    const message = `nearestMany: there may be ${MOST_VECTORS} vectors in one call`
    throw invalidArgument(message, 'vectors')
  }
  if (list.length > 1 && list.length * k > MOST_ALL_HITS) {
    const message = `nearestMany: all vectors have ${MOST_ALL_HITS} hits at most; lower options.k`
    throw invalidArgument(message, 'options.k')
  }
  return list
}

module.exports = {
  CREATE_VECTOR_INDEX_OPTIONS,
  checkExamples,
  checkSearch,
  checkVectorList,
  checkVectors,
  graphOf,
  vectorSchema,
}
