'use strict'

const { readBlobs } = require('./blobs')
const { collectBlobs } = require('./codec')
const { appendClear, appendDelete, appendDeleteRange } = require('./delete')
const { deleteAll } = require('./delete-many')
const { LodestoreError } = require('./errors')
const { Index } = require('./index-reader')
const { KeyRange, copyKey, decodeKey } = require('./key')
const { OP } = require('./operations')
const { boolean, checkOptions, describe, invalidArgument } = require('./options/check')
const { isPlainObject } = require('./options/query')
const { paced } = require('./pace')
const { FROM_RESULT, appendPut } = require('./put')
const { putAll, putEach } = require('./put-many')
const { rangeOf } = require('./range')
const queries = require('./query')
const reads = require('./reads')
const { ENTRIES, KEYS, Source, VALUES } = require('./source')
const { inTransaction } = require('./transactions')
const { appendUpdate, checkUpdate, updateResult } = require('./update')
const { appendUpsert, checkUpsert } = require('./upsert')

const PUT_MANY_OPTIONS = { atomic: boolean, entries: boolean }

/** The documents of one object store, in a database, transaction or snapshot. */
class Store {
  #scope
  #name
  #catalog = null
  #definition = null
  #source
  /** What queries run on. */
  #target

  /**
   * @param {object} scope whose `current()` is the view that calls use
   * @param {string} name
   */
  constructor(scope, name) {
    this.#scope = scope
    this.#name = name
    this.#resolve(scope.current())
    const resolve = () => {
      const view = this.#scope.current()
      return { scope: view, state: this.#resolve(view).state, index: null }
    }
    this.#source = new Source(resolve, false)
    this.#target = {
      resolve,
      writes: () => ({ queue: this.#writes(), state: this.#definition.state }),
    }
  }

  /** The store's name. */
  get name() {
    return this.#name
  }

  /** Where documents carry their key, or null for out-of-line keys. */
  get keyPath() {
    const { keyPath } = this.#resolve(this.#scope.current())
    return Array.isArray(keyPath) ? [...keyPath] : keyPath
  }

  /** Whether numbers are generated for documents without a key. */
  get autoIncrement() {
    return this.#resolve(this.#scope.current()).autoIncrement
  }

  /** The names of the indexes, in order. */
  get indexNames() {
    return [...this.#resolve(this.#scope.current()).indexes.keys()].toSorted()
  }

  /** The names of the vector indexes, in order. */
  get vectorIndexNames() {
    return [...this.#resolve(this.#scope.current()).vectors.keys()].toSorted()
  }

  /** The definition as a view has it. */
  #resolve(view) {
    if (view.catalog === this.#catalog && view.allowed === null) return this.#definition
    const definition = view.definition(this.#name)
    this.#catalog = view.catalog
    this.#definition = definition
    return definition
  }

  /** Inserts a document. KEY_EXISTS if there is one under its key. */
  add(document, key) {
    return this.#put(OP.ADD, document, key, null)
  }

  /** Inserts or replaces a document. */
  put(document, key) {
    return this.#put(OP.PUT, document, key, null)
  }

  /** Inserts or replaces many documents. */
  async putMany(documents, options) {
    const { atomic = true, entries = false } = checkOptions('putMany', options, PUT_MANY_OPTIONS)
    checkIterable(documents)
    const view = this.#scope.current()
    const target = { scope: view, state: this.#resolve(view).state }
    view.writes()
    if (!atomic) return await putEach(target, documents, { entries })
    const isAsync = typeof documents[Symbol.asyncIterator] === 'function'
    return await putAll(target, documents, { entries }, (run) => inTransaction(view, isAsync, run))
  }

  /** Changes the document under a key by operators. */
  async update(key, update, options) {
    return this.#update(key, checkUpdate(update, options), null)
  }

  /** Sets the fields of a document in the one that has its key, or inserts it. */
  async upsert(document, options) {
    return this.#upsert(document, checkUpsert(options), null)
  }

  /** The document under a key, or undefined. */
  async get(key) {
    const view = this.#scope.current()
    const { state } = this.#resolve(view)
    if (view.interactive) return reads.getInTransaction(view, state, key)
    return paced(view.memory.get(view.snapshot, state, key))
  }

  /** The same without a promise. */
  getSync(key) {
    const view = this.#scope.current()
    const { state } = this.#resolve(view)
    if (view.interactive) throw noSyncReads()
    return view.memory.get(view.snapshot, state, key)
  }

  /** The documents under many keys, undefined for those that are not there. */
  async getMany(keys) {
    const list = checkKeys('getMany', keys)
    const view = this.#scope.current()
    return reads.getMany(view, this.#resolve(view).state, list)
  }

  /** Whether there is a document under a key. */
  async has(key) {
    const view = this.#scope.current()
    return reads.has(view, this.#resolve(view).state, key)
  }

  /** Deletes the document under a key, or those of a range; tells how many there were. */
  async delete(query) {
    const isRange = query instanceof KeyRange || isPlainObject(query)
    const range = isRange ? rangeOf(query, false) : null
    const queue = this.#writes()
    const { state } = this.#definition
    if (range === null) appendDelete(queue, state, query)
    else appendDeleteRange(queue, state, range)
    const { lastBatch, lastAt } = queue
    await lastBatch.settled
    return lastBatch.result(lastAt)
  }

  /** Deletes the documents under many keys, all or none; tells how many there were. */
  async deleteMany(keys) {
    const list = checkKeys('deleteMany', keys)
    const view = this.#scope.current()
    const target = { scope: view, state: this.#resolve(view).state }
    view.writes()
    return deleteAll(target, list, (run) => inTransaction(view, false, run))
  }

  /** Deletes all documents. */
  async clear() {
    const queue = this.#writes()
    appendClear(queue, this.#definition.state)
    const { lastBatch, lastAt } = queue
    await lastBatch.settled
    lastBatch.result(lastAt)
  }

  /** The documents that a filter describes. */
  find(filter, options) {
    return queries.find(this.#target, 'find', filter, options)
  }

  /** The first document that a filter describes, or undefined. */
  async findOne(filter, options) {
    return queries.findFirst(this.#target, 'findOne', filter, options)
  }

  /** A query to put together by its methods. */
  query() {
    return queries.find(this.#target, 'query', undefined, undefined)
  }

  /** A query whose values are given when it runs. */
  prepare(filter, options) {
    return queries.prepareFind(this.#target, filter, options)
  }

  /** The documents whose vectors are nearest to one. */
  nearest(index, vector, options) {
    return queries.nearestTo(this.#searched(), index, vector, options)
  }

  /** The documents whose vectors are nearest to each of several. */
  nearestMany(index, vectors, options) {
    return queries.nearestToMany(this.#searched(), index, vectors, options)
  }

  /** The documents whose vectors are like those of examples. */
  recommend(index, examples, options) {
    return queries.recommend(this.#searched(), index, examples, options)
  }

  /** The documents that come out of a pipeline of stages. */
  aggregate(pipeline, options) {
    return queries.aggregate(this.#target, pipeline, options)
  }

  /** How many documents there are, in all, in a range, or by a filter. */
  async count(query) {
    if (queries.isFilter(query))
      return queries.find(this.#target, 'count', query, undefined).count()
    return this.#source.count(query)
  }

  /** The documents of a range, in an array. */
  getAll(query, options) {
    return this.#source.all('getAll', VALUES, query, options)
  }

  /** The keys of a range, in an array. */
  getAllKeys(query, options) {
    return this.#source.all('getAllKeys', KEYS, query, options)
  }

  /** The first key of a range. */
  getKey(query) {
    return this.#source.firstKey(query)
  }

  /** The documents of a range, to iterate over. */
  range(query, options) {
    return this.#source.scan('range', VALUES, query, options)
  }

  /** The keys of a range, to iterate over. */
  keys(query, options) {
    return this.#source.scan('keys', KEYS, query, options)
  }

  /** All documents with their keys, to iterate over. */
  entries(query, options) {
    return this.#source.scan('entries', ENTRIES, query, options)
  }

  [Symbol.asyncIterator]() {
    return this.range()[Symbol.asyncIterator]()
  }

  /** A cursor before the first document of a range. */
  openCursor(query, options) {
    return this.#source.cursor(query, options, this.#cursorWrites())
  }

  /** One of the store's indexes. */
  index(name) {
    const resolve = () => {
      const view = this.#scope.current()
      const definition = this.#resolve(view)
      return { scope: view, state: definition.state, index: definition.index(name) }
    }
    resolve()
    return new Index(this.#name, name, resolve, () => this.#cursorWrites())
  }

  /** What searches run on. */
  #searched() {
    const definition = () => this.#resolve(this.#scope.current())
    return { resolve: this.#target.resolve, definition }
  }

  #cursorWrites() {
    return {
      replace: (document, key) => this.#put(OP.PUT, document, key, null),
      remove: (key) => this.delete(key),
    }
  }

  /** Where writes go; `#definition` is then of the view that they belong to. */
  #writes() {
    const view = this.#scope.current()
    this.#resolve(view)
    return view.writes()
  }

  async #put(op, document, key, blobs) {
    const queue = this.#writes()
    const { state } = this.#definition
    let stored
    try {
      stored = appendPut(queue, op, state, document, key, blobs)
    } catch (error) {
      if (blobs !== null) throw error
      return this.#putWithBlobs(op, document, key, error)
    }
    const { lastBatch, lastAt } = queue
    if (state.shapes.hasCandidates) state.registerCandidates()
    await lastBatch.settled
    const result = lastBatch.result(lastAt)
    return stored === FROM_RESULT ? decodeKey(result) : stored
  }

  async #update(key, request, blobs) {
    const queue = this.#writes()
    const { state } = this.#definition
    let stored
    try {
      stored = appendUpdate(queue, state, key, request, blobs)
    } catch (error) {
      if (blobs !== null || error?.code !== 'DATA_CLONE') throw error
      const found = collectBlobs(request)
      if (found.length === 0) throw error
      const inert = copyKey(key)
      return this.#update(inert, request, await readBlobs(found))
    }
    const { lastBatch, lastAt } = queue
    await lastBatch.settled
    return updateResult(lastBatch.result(lastAt), stored)
  }

  async #upsert(document, options, blobs) {
    const queue = this.#writes()
    const definition = this.#definition
    try {
      appendUpsert(queue, definition, document, options, blobs)
    } catch (error) {
      if (blobs !== null || error?.code !== 'DATA_CLONE') throw error
      const found = collectBlobs(document)
      if (found.length === 0) throw error
      return this.#upsert(document, options, await readBlobs(found))
    }
    const { lastBatch, lastAt } = queue
    const { state } = definition
    if (state.shapes.hasCandidates) state.registerCandidates()
    await lastBatch.settled
    const result = lastBatch.result(lastAt)
    const key = decodeKey(result.subarray(1))
    return { key, ...updateResult(result[0], key) }
  }

  /** Reads the blobs in a document that could not be encoded, and puts it again. */
  async #putWithBlobs(op, document, key, error) {
    if (error?.code !== 'DATA_CLONE') throw error
    const blobs = collectBlobs(document)
    if (blobs.length === 0) throw error
    const inert = key === undefined ? undefined : copyKey(key)
    return this.#put(op, document, inert, await readBlobs(blobs))
  }
}

function checkIterable(documents) {
  const isIterable =
    typeof documents === 'object' &&
    documents !== null &&
    (typeof documents[Symbol.iterator] === 'function' ||
      typeof documents[Symbol.asyncIterator] === 'function')
  if (isIterable) return
  throw invalidArgument(
    `putMany: documents must be iterable, such as an array, not ${describe(documents)}`,
    'documents',
  )
}

function checkKeys(method, keys) {
  if (typeof keys === 'object' && keys !== null && typeof keys[Symbol.iterator] === 'function') {
    return Array.from(keys)
  }
  const message = `${method}: keys must be iterable, such as an array, not ${describe(keys)}`
  throw invalidArgument(message, 'keys')
}

function noSyncReads() {
  return new LodestoreError(
    'UNSUPPORTED',
    'getSync cannot read inside a read-write transaction, which runs on another thread; use get',
  )
}

module.exports = { Store }
