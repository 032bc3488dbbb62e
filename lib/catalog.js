'use strict'

const { LodestoreError } = require('./errors')
const { graphOf } = require('./options/vector')

/** One store, as a version of the catalog describes it. */
class StoreDefinition {
  /** A field, so that a setter which Object.prototype may have is not called. */
  id = 0

  constructor(description, state) {
    this.id = description.id
    this.name = description.name
    this.keyPath = description.keyPath
    this.autoIncrement = description.autoIncrement
    this.key = description.key ?? null
    this.compression = description.compression
    /** @type {Map<string, IndexDefinition>} */
    this.indexes = new Map()
    for (const index of description.indexes) {
      this.indexes.set(index.name, new IndexDefinition(index))
    }
    /** @type {Map<string, VectorDefinition>} */
    this.vectors = new Map()
    for (const index of description.vectors) {
      this.vectors.set(index.name, new VectorDefinition(index))
    }
    /** @type {import('./store-state').StoreState} */
    this.state = state
  }

  /** @throws {LodestoreError} INDEX_NOT_FOUND */
  index(name) {
    const definition = this.indexes.get(name)
    if (definition !== undefined) return definition
    throw new LodestoreError('INDEX_NOT_FOUND', `The store '${this.name}' has no index '${name}'`, {
      store: this.name,
      index: name,
    })
  }
}

/** One index, as a version of the catalog describes it. */
class IndexDefinition {
  /** A field, so that a setter which Object.prototype may have is not called. */
  id = 0

  constructor(description) {
    this.id = description.id
    this.name = description.name
    this.keyPath = description.keyPath
    /** @type {{ path: string, descending: boolean }[]} */
    this.parts = description.parts
    this.unique = description.unique
    this.multiEntry = description.multiEntry
    this.sparse = description.sparse
    /** The filter of a partial index as an encoded document, or null. */
    this.where = description.where === null ? null : Buffer.from(description.where, 'hex')
    /** All settings of the order of its strings, or null. */
    this.collation = description.collation
    /** 'ready' or 'building'. */
    this.state = description.state
  }

  /** What the index is on, as `createIndex` takes it: descending parts with a minus. */
  get on() {
    return onOf(this)
  }
}

/** What an index is on, as `createIndex` takes it. */
const onOf = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function ({ parts, keyPath }) {
    return Array.isArray(keyPath) ? parts.map(withMark) : withMark(parts[0])
  }
)

const withMark = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function ({ path, descending }) {
    return descending ? `-${path}` : path
  }
)

/** One vector index, as a version of the catalog describes it. */
class VectorDefinition {
  /** A field, so that a setter which Object.prototype may have is not called. */
  id = 0

  constructor({ id, name, on, dimensions, metric, state, ...graph }) {
    this.id = id
    this.name = name
    /** Where documents have their vectors. */
    this.on = on
    this.dimensions = dimensions
    this.metric = metric
    /** What its graph is like: precision, m, efConstruction, efSearch, memoryLimit. */
    this.graph = graphOf(graph)
    /** 'ready' or 'building'. */
    this.state = state
  }
}

/** The stores and indexes as one snapshot has them. */
class Catalog {
  /**
   * @param {object} document the catalog as the native library describes it
   * @param {{ stateOf: (description: object) => import('./store-state').StoreState }} states
   */
  constructor(document, states) {
    this.version = document.version
    /** What the program calls the state of its schema, as IndexedDB has it; 0 if it never did. */
    this.databaseVersion = document.databaseVersion
    /** @type {Map<string, StoreDefinition>} */
    this.stores = new Map()
    for (const description of document.stores) {
      const definition = new StoreDefinition(description, states.stateOf(description))
      this.stores.set(definition.name, definition)
    }
    /** In the order of their code units, as IndexedDB lists them. */
    this.storeNames = Object.freeze([...this.stores.keys()].toSorted())
  }

  /** @throws {LodestoreError} STORE_NOT_FOUND */
  store(name) {
    const definition = this.stores.get(name)
    if (definition !== undefined) return definition
    throw new LodestoreError(
      'STORE_NOT_FOUND',
      `There is no store '${name}'; create it with createObjectStore('${name}') or ` +
        `open(path, { stores: { … } })`,
      { store: name },
    )
  }
}

module.exports = { Catalog, StoreDefinition, IndexDefinition, onOf }
