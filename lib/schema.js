'use strict'

const { onOf } = require('./catalog')
const { indexBuild } = require('./diagnostics')
const { LodestoreError } = require('./errors')
const { decodeInternal, encodeInternal } = require('./internal-codec')
const { OP, writeValueOperation } = require('./operations')
const { checkOptions, invalidArgument } = require('./options/check')
const { notAllowed } = require('./transaction-level')
const { CREATE_INDEX_OPTIONS, checkName, checkStore, indexSchema } = require('./options/schema')
const { CREATE_VECTOR_INDEX_OPTIONS, graphOf, vectorSchema } = require('./options/vector')

/** Changes of stores and indexes, in a database or as a part of a transaction. */
class Schema {
  #scope

  /** @param {object} scope whose `current()` is the view that is changed */
  constructor(scope) {
    this.#scope = scope
  }

  async createStore(name, options) {
    checkName('createObjectStore', name, 'name')
    const schema = checkStore('createObjectStore', name, options, 'options')
    await this.apply([
      createStoreDocument(schema),
      ...schema.indexes.map(indexDocumentOf(name)),
      ...schema.vectors.map(vectorDocumentOf(name)),
    ])
  }

  async deleteStore(name) {
    checkName('deleteObjectStore', name, 'name')
    await this.apply([{ op: 'deleteStore', store: name }])
  }

  async renameStore(name, newName) {
    checkName('renameObjectStore', name, 'name')
    checkName('renameObjectStore', newName, 'newName')
    await this.apply([{ op: 'renameStore', store: name, name: newName }])
  }

  async createIndex(store, name, on, options) {
    checkName('createIndex', store, 'store')
    const checked = checkOptions('createIndex', options, CREATE_INDEX_OPTIONS)
    const { onProgress, signal, ...flags } = checked
    const schema = indexSchema('createIndex', name, on, flags, 'on')
    await this.#build('createIndex', indexDocumentOf(store)(schema), { onProgress, signal })
  }

  async createVectorIndex(store, name, on, options) {
    checkName('createVectorIndex', store, 'store')
    checkName('createVectorIndex', name, 'name')
    const checked = checkOptions('createVectorIndex', options, CREATE_VECTOR_INDEX_OPTIONS)
    const { onProgress, signal, ...form } = checked
    const schema = vectorSchema('createVectorIndex', name, on, form, 'on')
    await this.#build('createVectorIndex', vectorDocumentOf(store)(schema), { onProgress, signal })
  }

  /** Creates an index: in the background, or as a part of a transaction. */
  async #build(method, document, options) {
    const view = this.#view()
    view.definition(document.store)
    if (!view.interactive) {
      await buildIndex(view.connection, document, options)
      return
    }
    for (const option of ['onProgress', 'signal']) {
      if (options[option] === undefined) continue
      const message = `${method}: inside a transaction there is no options.${option}`
      throw invalidArgument(message, `options.${option}`)
    }
    await this.apply([document])
  }

  async deleteIndex(store, name) {
    checkName('deleteIndex', store, 'store')
    checkName('deleteIndex', name, 'name')
    await this.apply([{ op: 'deleteIndex', store, index: name }])
  }

  async renameIndex(store, name, newName) {
    checkName('renameIndex', store, 'store')
    checkName('renameIndex', name, 'name')
    checkName('renameIndex', newName, 'newName')
    await this.apply([{ op: 'renameIndex', store, index: name, name: newName }])
  }

  /** Says what the program calls the state of the schema, as IndexedDB has it. */
  async setVersion(version) {
    await this.apply([{ op: 'setVersion', version }])
  }

  /** The view to change. @throws {LodestoreError} TX_READ_ONLY */
  #view() {
    const view = this.#scope.current()
    view.writes()
    return view
  }

  /**
   * Makes changes, one after the other.
   *
   * @param {object[]} documents
   */
  async apply(documents) {
    const view = this.#view()
    for (const { op, store, name } of documents) {
      if (op !== 'setVersion') checkAllowed(view, store ?? name)
    }
    const { queue } = view
    const places = documents.map((document) => {
      const bytes = encodeInternal(document)
      const batch = queue.open()
      writeValueOperation(batch.writer, OP.SCHEMA, bytes)
      queue.append(batch)
      return { batch, at: queue.lastAt }
    })
    try {
      for (const { batch, at } of places) {
        await batch.settled
        batch.result(at)
      }
    } finally {
      if (view.interactive && !view.ended) await view.session.reloadCatalog(view)
    }
  }
}

/** Checks that a transaction was opened for a store, which may be about to be created. */
function checkAllowed({ allowed }, store) {
  if (allowed !== null && !allowed.has(store)) throw notAllowed(store, allowed)
}

function createStoreDocument({ name, keyPath, autoIncrement, key, compression }) {
  return { op: 'createStore', name, keyPath, autoIncrement, key, compression }
}

function indexDocumentOf(store) {
  return ({ name, keyPath, parts, compound, unique, multiEntry, sparse, where, collation }) => ({
    op: 'createIndex',
    store,
    name,
    keyPath,
    parts,
    compound,
    unique,
    multiEntry,
    sparse,
    where: where === null ? null : decodeInternal(where),
    collation,
  })
}

function vectorDocumentOf(store) {
  return ({ name, on, dimensions, metric, efSearch, ...graph }) => ({
    ...graph,
    efSearch: efSearch ?? undefined,
    op: 'createVectorIndex',
    store,
    name,
    path: on,
    dimensions,
    metric,
  })
}

/**
 * Creates an index on live data: it is built in chunks, between which others write.
 *
 * @param {import('./connection').Connection} connection
 * @param {object} document the schema operation
 * @param {{ onProgress?: (progress: object) => void, signal?: AbortSignal }} options
 */
async function buildIndex(connection, document, { onProgress, signal }) {
  connection.queue.flushAll()
  const bytes = encodeInternal(document)
  const { store, name: index } = document
  const { path, space } = connection
  const progress = (state) => {
    if (indexBuild.hasSubscribers) {
      indexBuild.publish({ path, space, store, index, ...state })
    }
    onProgress?.(state)
  }
  await connection.call((ticket) => connection.native.createIndex(ticket, bytes), {
    onProgress: progress,
    signal,
  })
}

/**
 * Creates the stores and indexes that are missing; changes and deletes nothing.
 *
 * @param {import('./connection').Connection} connection
 * @param {import('./options/schema').StoreSchema[]} stores
 * @throws {LodestoreError} INVALID_ARGUMENT if one is there with another definition
 */
const createMissing = /** @satisfies {Function} in parentheses: compiled with the module */ (
  async function (connection, stores) {
    const { newest } = connection
    for (const store of stores) {
      if (!newest.catalog.stores.has(store.name)) await createMissingStore(connection, store)
      checkSame(store, newest.catalog.store(store.name))
      for (const index of store.indexes) {
        if (!newest.catalog.store(store.name).indexes.has(index.name)) {
          await createMissingIndex(connection, indexDocumentOf(store.name)(index))
        }
        checkSameIndex(store.name, index, newest.catalog.store(store.name))
      }
      for (const index of store.vectors) {
        if (!newest.catalog.store(store.name).vectors.has(index.name)) {
          await createMissingIndex(connection, vectorDocumentOf(store.name)(index))
        }
        checkSameVectors(
          store.name,
          index,
          newest.catalog.store(store.name).vectors.get(index.name),
        )
      }
    }
  }
)

async function createMissingStore(connection, store) {
  const { newest } = connection
  checkWritable(connection, `the store '${store.name}'`, { store: store.name })
  await tolerating('STORE_EXISTS', new Schema(newest).apply([createStoreDocument(store)]))
  newest.refreshCatalog()
}

async function createMissingIndex(connection, document) {
  const { store, name: index } = document
  checkWritable(connection, `the index '${index}' of the store '${store}'`, { store, index })
  await tolerating('INDEX_EXISTS', buildIndex(connection, document, {}))
  connection.newest.refreshCatalog()
}

/** Another process may have created the same in the meantime. */
async function tolerating(code, promise) {
  try {
    await promise
  } catch (error) {
    if (error.code !== code) throw error
  }
}

function checkWritable({ mode }, what, details) {
  if (mode !== 'readOnly') return
  const code = details.index === undefined ? 'STORE_NOT_FOUND' : 'INDEX_NOT_FOUND'
  const message = `open: ${what} is missing, and the database is opened read-only`
  throw new LodestoreError(code, message, details)
}

const checkSame = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (wanted, existing) {
    const mine = comparableStore(wanted)
    const theirs = comparableStore(existing)
    if (isSame(mine, theirs)) return
    throw differs(`the store '${wanted.name}'`, mine, theirs, `options.stores.${wanted.name}`, {
      store: wanted.name,
    })
  }
)

const comparableStore = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function ({ keyPath, autoIncrement, key, compression }) {
    return { keyPath, autoIncrement, key, compression }
  }
)

const checkSameIndex = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (store, wanted, definition) {
    const path = `options.stores.${store}.indexes.${wanted.name}`
    if (definition.vectors.has(wanted.name)) {
      const what = `the index '${wanted.name}' of the store '${store}'`
      throw ofOtherSort(what, 'an index of vectors', { store, index: wanted.name, path })
    }
    const mine = comparableIndex(wanted)
    const theirs = comparableIndex(definition.index(wanted.name))
    if (isSame(mine, theirs)) return
    throw differs(`the index '${wanted.name}' of the store '${store}'`, mine, theirs, path, {
      store,
      index: wanted.name,
    })
  }
)

function checkSameVectors(store, wanted, existing) {
  const { name: index } = wanted
  const what = `the vector index '${index}' of the store '${store}'`
  const path = `options.stores.${store}.vectors.${index}`
  if (existing === undefined) throw ofOtherSort(what, 'an index of keys', { store, index, path })
  const mine = comparableVectors(wanted)
  const theirs = comparableVectors(existing)
  if (!isSame(mine, theirs)) throw differs(what, mine, theirs, path, { store, index })
}

/** There is an index of this name, of which another sort was to be created. */
function ofOtherSort(what, sort, details) {
  return new LodestoreError('INVALID_ARGUMENT', `open: ${what} is ${sort} in the database`, details)
}

function comparableVectors({ on, dimensions, metric, graph, ...said }) {
  return { on, dimensions, metric, ...graphOf(graph ?? said) }
}

const comparableIndex = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (index) {
    const { unique, multiEntry, sparse, where, collation } = index
    const filter = where === null ? null : where.toString('hex')
    return { on: onOf(index), unique, multiEntry, sparse, where: filter, collation }
  }
)

const isSame = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (a, b) {
    return JSON.stringify(a) === JSON.stringify(b)
  }
)

/** The error for the first property that differs. */
function differs(what, wanted, existing, path, details) {
  const property = Object.keys(wanted).find((name) => !isSame(wanted[name], existing[name]))
  return new LodestoreError(
    'INVALID_ARGUMENT',
    `open: ${what} has ${property} ${JSON.stringify(existing[property])} in the database, but ` +
      `${JSON.stringify(wanted[property])} in options.stores; ` +
      'definitions are never changed by open',
    { ...details, path: `${path}.${property}` },
  )
}

module.exports = { Schema, createMissing }
