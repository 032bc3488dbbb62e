'use strict'

const { encodeInternal } = require('../internal-codec')
const { checkKeyPath, checkPath } = require('../key-path')
const {
  abortSignal,
  anything,
  boolean,
  callback,
  checkArgument,
  checkDefinitions,
  checkOptions,
  describe,
  invalidArgument,
  isOptionsObject,
  oneOf,
} = require('./check')
const { resolveCollation } = require('./collation')
const { isPlainObject } = require('./query')
const { checkVectors } = require('./vector')

/** @type {import('./check').Kind} */
const filter = { allows: 'a filter, an object', accepts: isPlainObject }

/** @type {import('./check').Kind} */
const collationKind = { allows: "an object such as { locale: 'fr' }", accepts: isPlainObject }

const INDEX_FLAGS = {
  unique: boolean,
  multiEntry: boolean,
  sparse: boolean,
  where: filter,
  collation: collationKind,
}

const STORE_OPTIONS = {
  keyPath: anything,
  autoIncrement: boolean,
  key: oneOf('sequence', 'uuidv7'),
  compression: oneOf('none', 'lz4', 'zstd'),
  indexes: anything,
  vectors: anything,
}

const INDEX_OPTIONS = { on: anything, ...INDEX_FLAGS }

const CREATE_INDEX_OPTIONS = { ...INDEX_FLAGS, onProgress: callback, signal: abortSignal }

/** @type {import('./check').Kind} */
const anyString = { allows: 'a string', accepts: (value) => typeof value === 'string' }

/**
 * A store as the schema operations take it.
 *
 * @typedef {object} StoreSchema
 * @property {string} name
 * @property {string | string[] | null} keyPath
 * @property {boolean} autoIncrement
 * @property {'uuidv7' | null} key
 * @property {'none' | 'lz4' | 'zstd'} compression
 * @property {IndexSchema[]} indexes
 * @property {import('./vector').VectorSchema[]} vectors
 */

/**
 * An index as the schema operations take it.
 *
 * @typedef {object} IndexSchema
 * @property {string} name
 * @property {string | string[]} keyPath without the marks of descending parts
 * @property {{ path: string, descending: boolean }[]} parts
 * @property {boolean} compound
 * @property {boolean} unique
 * @property {boolean} multiEntry
 * @property {boolean} sparse
 * @property {Buffer | null} where the filter of a partial index, encoded
 * @property {object | null} collation all settings of the order of its strings
 */

/** Checks the name of a store or index: any string. */
const checkName = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, name, argument) {
    return checkArgument(method, name, anyString, argument)
  }
)

/**
 * Checks the definition of a store.
 *
 * @param {string} method
 * @param {string} name
 * @param {unknown} definition
 * @param {string} path where the definition stands among the arguments
 * @returns {StoreSchema}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkStore = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, name, definition, path) {
    const options = checkOptions(method, definition, STORE_OPTIONS, path)
    const { compression = 'none', indexes, vectors } = options
    const keyPath =
      options.keyPath == null ? null : checkKeyPath(method, options.keyPath, `${path}.keyPath`)
    if (options.autoIncrement !== undefined && options.key !== undefined) {
      const message = `${method}: ${path} may have autoIncrement or key, not both`
      throw invalidArgument(message, `${path}.key`)
    }
    const generated = options.autoIncrement === true || options.key !== undefined
    if (generated && Array.isArray(keyPath)) {
      const message = `${method}: ${path}: a compound key path cannot have generated keys`
      throw invalidArgument(message, `${path}.keyPath`)
    }
    const checked = {
      indexes: checkDefinitions(method, indexes, INDEX_OPTIONS, `${path}.indexes`, indexSchema),
      vectors: vectors === undefined ? [] : checkVectors(method, vectors, `${path}.vectors`),
    }
    const twice = checked.vectors.find(({ name: vector }) =>
      checked.indexes.some((index) => index.name === vector),
    )
    if (twice !== undefined) {
      const message = `${method}: ${path} has two indexes of the name '${twice.name}'`
      throw invalidArgument(message, `${path}.vectors.${twice.name}`)
    }
    return {
      name,
      keyPath,
      autoIncrement: options.autoIncrement === true || options.key === 'sequence',
      key: options.key === 'uuidv7' ? 'uuidv7' : null,
      compression,
      ...checked,
    }
  }
)

/**
 * Checks the definition of an index.
 *
 * @param {string} method
 * @param {unknown} name
 * @param {unknown} on a key path, or several; a leading minus marks a descending part
 * @param {{ unique?: boolean, multiEntry?: boolean, sparse?: boolean, where?: object,
 *   collation?: object }} flags
 * @param {string} argument where `on` stands among the arguments
 * @returns {IndexSchema}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const indexSchema = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, name, on, flags, argument) {
    const { unique = false, multiEntry = false, sparse = false } = flags
    const where = flags.where === undefined ? null : encodeInternal(flags.where)
    checkName(method, name, 'name')
    // `on` and the flags stand side by side, in a definition or in arguments.
    const flagsAt = argument.endsWith('.on') ? argument.slice(0, -'.on'.length) : 'options'
    const collation =
      flags.collation === undefined
        ? null
        : resolveCollation(method, flags.collation, `${flagsAt}.collation`)
    const compound = Array.isArray(on)
    if (compound && on.length === 0) {
      throw invalidArgument(`${method}: ${argument} must name at least one field`, argument)
    }
    if (compound && multiEntry) {
      const message = `${method}: the index '${name}' cannot be multiEntry on several fields`
      throw invalidArgument(message, argument)
    }
    const parts = compound
      ? on.map((path, i) => indexPart(method, path, `${argument}[${i}]`))
      : [indexPart(method, on, argument)]
    const keyPath = compound ? parts.map(({ path }) => path) : parts[0].path
    return { name, keyPath, parts, compound, unique, multiEntry, sparse, where, collation }
  }
)

const indexPart = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, path, argument) {
    const descending = typeof path === 'string' && path.startsWith('-')
    return { path: checkPath(method, descending ? path.slice(1) : path, argument), descending }
  }
)

/**
 * Checks the definitions of several stores.
 *
 * @param {string} method
 * @param {unknown} stores by name
 * @returns {StoreSchema[]}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkStores = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, stores) {
    if (!isOptionsObject(stores)) {
      const message = `${method}: options.stores must be an object, not ${describe(stores)}`
      throw invalidArgument(message, 'options.stores')
    }
    const schemas = []
    for (const name of Object.keys(stores)) {
      schemas.push(checkStore(method, name, stores[name], `options.stores.${name}`))
    }
    return schemas
  }
)

module.exports = { CREATE_INDEX_OPTIONS, checkName, checkStore, checkStores, indexSchema }
