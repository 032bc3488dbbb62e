'use strict'

const { collectBlobs } = require('../codec')
const { aborted } = require('../call')
const { readBlobs } = require('../blobs')
const { decodeInternal } = require('../internal-codec')
const { LodestoreError } = require('../errors')
const { describe, invalidArgument } = require('../options/check')
const { Pacer, nextTurn } = require('../pace')
const { PinnedView } = require('../pinned-view')
const { Store } = require('../store')
const { rowText } = require('./csv')
const { isDestination, writeTo } = require('./destination')
const { FORMAT_VERSION } = require('./format')
const { checkExport } = require('./options')
const { toPlain } = require('./plain-json')
const { toTyped } = require('./to-typed')

/** Documents between two reports of progress. */
const REPORT_EVERY = 1000

/**
 * Writes documents as text, all of one state of the database.
 *
 * @param {import('../connection').Connection} connection
 * @param {string | import('node:stream').Writable} destination
 * @param {object} [options] see index.d.ts
 */
async function exportTo(connection, destination, options) {
  if (!isDestination(destination)) {
    const what = describe(destination)
    const message = `exportTo: destination must be a path or a Writable, not ${what}`
    throw invalidArgument(message, 'destination')
  }
  const { format = 'ndjson', store, signal, onProgress, ...others } = checkExport(options)
  if (signal?.aborted) throw aborted(signal)
  const view = new PinnedView(connection, { allowed: null, inTransaction: false })
  try {
    const texts = new Texts(view, others)
    const begun = store === undefined ? texts.database() : texts[format](new Store(view, store))
    await writeTo(destination, reporting(begun, texts, onProgress), signal)
    onProgress?.({ phase: 'export', done: texts.done, total: Math.max(texts.total, texts.done) })
    return texts.done
  } finally {
    view.close()
  }
}

async function* reporting(parts, texts, onProgress) {
  let reported = 0
  for await (const part of parts) {
    yield part
    if (texts.done < reported + REPORT_EVERY) continue
    reported = texts.done
    onProgress?.({ phase: 'export', done: texts.done, total: Math.max(texts.total, texts.done) })
  }
}

/** The text of an export, part by part. */
class Texts {
  /** How many documents were written, and how many there are. */
  done = 0
  total = 0
  #pacer = new Pacer()
  #view
  #columns
  #separator

  constructor(view, { columns, separator = ',' }) {
    this.#view = view
    this.#columns = columns
    this.#separator = separator
  }

  /** The definitions and documents of all stores. */
  async *database() {
    const { catalog } = this.#view
    const definitions = [...catalog.stores.values()]
    const stores = definitions.map((definition) => new Store(this.#view, definition.name))
    for (const store of stores) this.total += await store.count()
    const header = { lodestore: FORMAT_VERSION, databaseVersion: catalog.databaseVersion }
    yield line({ ...header, stores: definitions.map(definitionOf) })
    for (const store of stores) {
      for await (const { key, value: document } of this.#entries(store)) {
        const value = toTyped(document, await blobsOf(document))
        yield line({ store: store.name, ...keyOf(store, key), value })
      }
    }
  }

  async *ndjson(store) {
    this.total = await store.count()
    for await (const { key, value: document } of this.#entries(store)) {
      const value = toTyped(document, await blobsOf(document))
      const isWrapped = store.keyPath === null
      yield line(isWrapped ? { $key: toTyped(key), $value: value } : value)
    }
  }

  async *json(store) {
    this.total = await store.count()
    let before = '[\n'
    for await (const { key, value: document } of this.#entries(store)) {
      yield before + JSON.stringify((await this.#plain(document, key)) ?? null)
      before = ',\n'
    }
    yield before === '[\n' ? '[]\n' : '\n]\n'
  }

  async *csv(store) {
    this.total = await store.count()
    const columns = this.#columns ?? (await columnsOf(store))
    const paths = columns.map((column) => column.split('.'))
    yield rowText(columns, this.#separator)
    for await (const { key, value: document } of this.#entries(store)) {
      const plain = await this.#plain(document, key)
      yield rowText(
        paths.map((path) => cellOf(plain, path)),
        this.#separator,
      )
    }
  }

  async *#entries(store) {
    for await (const entry of store.entries()) {
      yield entry
      this.done++
      if (this.#pacer.isDue()) await nextTurn()
    }
  }

  async #plain(document, key) {
    try {
      return toPlain(document, await blobsOf(document))
    } catch (error) {
      if (error instanceof LodestoreError) error.key = key
      throw error
    }
  }
}

function line(value) {
  return `${JSON.stringify(value)}\n`
}

function keyOf({ keyPath }, key) {
  return keyPath === null ? { key: toTyped(key) } : {}
}

/** A store's definition, as `open` and `createObjectStore` take it. */
function definitionOf({ name, keyPath, autoIncrement, key, compression, indexes, vectors }) {
  return {
    name,
    keyPath,
    ...(key === null ? { autoIncrement } : { key }),
    compression,
    indexes: Object.fromEntries(
      Array.from(indexes.values(), (index) => [index.name, flagsOf(index)]),
    ),
    ...(vectors.size > 0 && {
      vectors: Object.fromEntries(
        Array.from(vectors.values(), (index) => [index.name, formOf(index)]),
      ),
    }),
  }
}

function formOf({ on, dimensions, metric, graph: { efSearch, ...graph } }) {
  return { on, dimensions, metric, ...graph, ...(efSearch !== null && { efSearch }) }
}

function flagsOf({ on, unique, multiEntry, sparse, where, collation }) {
  return {
    on,
    unique,
    multiEntry,
    sparse,
    ...(where !== null && { where: toTyped(decodeInternal(where)) }),
    ...(collation !== null && { collation }),
  }
}

function blobsOf(document) {
  const blobs = collectBlobs(document)
  return blobs.length === 0 ? undefined : readBlobs(blobs)
}

/** The names of the fields of all documents, in the order in which they are met. */
async function columnsOf(store) {
  const names = new Set()
  for await (const document of store.range()) {
    if (!isRecord(document)) continue
    for (const name of Object.keys(document)) names.add(name)
  }
  const split = [...names].find((name) => name.includes('.'))
  if (split === undefined) return [...names]
  const message = `exportTo: the field '${split}' has a dot, which would be a path in a column`
  throw new LodestoreError('UNSUPPORTED', message, { store: store.name })
}

function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function cellOf(plain, path) {
  let value = plain
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return null
    value = value[name]
  }
  if (value === null || value === undefined || typeof value === 'string') return value ?? null
  return JSON.stringify(value) ?? null
}

module.exports = { exportTo }
