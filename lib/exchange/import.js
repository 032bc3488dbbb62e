'use strict'

const { aborted } = require('../call')
const { LodestoreError } = require('../errors')
const { describe, invalidArgument } = require('../options/check')
const { checkStores } = require('../options/schema')
const { Pacer, nextTurn } = require('../pace')
const { Schema, createMissing } = require('../schema')
const { checkImport } = require('./options')
const { fromTyped } = require('./from-typed')
const { readArray, readDatabase, readLines, readRows } = require('./read-documents')
const { bytesOf, isSource } = require('./source')

const BATCH = 1000
/** As many errors are listed; all are counted. */
const LISTED = 1000
/** A batch is written as fast as it can be. */
const TRANSACTION = Object.freeze({ timeout: 0 })
/** Errors of one document, beside which others can be written. */
const DOCUMENT_ERRORS = new Set([
  ...['DATA_CLONE', 'INVALID_ARGUMENT', 'INVALID_KEY', 'KEY_EXISTS', 'UNIQUE_VIOLATION'],
  ...['RESOURCE_LIMIT', 'EXPRESSION', 'VALIDATION', 'DIMENSION_MISMATCH'],
])

/**
 * Reads documents from text into stores.
 *
 * @param {import('../database').Database} database
 * @param {import('../connection').Connection} connection
 * @param {string | AsyncIterable<unknown> | Iterable<unknown>} source
 * @param {object} [options] see index.d.ts
 */
async function importFrom(database, connection, source, options) {
  if (!isSource(source)) {
    const message =
      'importFrom: source must be a path, or a stream or iterable of bytes or text, not ' +
      describe(source)
    throw invalidArgument(message, 'source')
  }
  const checked = checkImport(options)
  const work = new Import(database, checked)
  await work.run(itemsOf(connection, source, checked))
  return work.result()
}

/** @returns {AsyncGenerator<import('./read-documents').Item>} */
function itemsOf(connection, source, { store, format = 'ndjson', ...options }) {
  const bytes = bytesOf(source)
  if (store === undefined) {
    return readDatabase(bytes, (header) => createStores(connection, header))
  }
  if (format === 'csv') return readRows(bytes, options)
  return format === 'json' ? readArray(bytes) : readLines(bytes)
}

/** Creates the stores and indexes that are missing. @throws if one differs from what is there */
async function createStores(connection, { databaseVersion = 0, stores }) {
  const schemas = Object.create(null)
  for (const { name, ...definition } of stores) schemas[name] = storeOf(definition)
  await createMissing(connection, checkStores('importFrom', schemas))
  const { newest } = connection
  if (databaseVersion > 0 && newest.catalog.databaseVersion === 0) {
    await new Schema(newest).setVersion(databaseVersion)
  }
}

function storeOf({ indexes = {}, ...definition }) {
  const schemas = Object.entries(indexes).map(([name, { where, ...index }]) => {
    return [name, where === undefined ? index : { ...index, where: fromTyped(where) }]
  })
  return { ...definition, indexes: Object.fromEntries(schemas) }
}

/** One import: its batches, and what has come of them. */
class Import {
  #database
  #options
  /** @type {import('./read-documents').Item[]} of one store */
  #batch = []
  #imported = 0
  #existing = 0
  #failed = 0
  /** @type {{ line: number, code: string, message: string }[]} */
  #errors = []

  constructor(database, options) {
    this.#database = database
    this.#options = options
  }

  result() {
    return {
      imported: this.#imported,
      existing: this.#existing,
      failed: this.#failed,
      errors: this.#errors,
    }
  }

  /** @param {AsyncIterable<import('./read-documents').Item>} items */
  async run(items) {
    const { signal } = this.#options
    try {
      if (signal?.aborted) throw aborted(signal)
      if (await this.#resume()) return
      // Not by lines: several documents may stand on one.
      let done = this.#imported + this.#existing + this.#failed
      const pacer = new Pacer()
      for await (const item of items) {
        if (done-- > 0) continue
        await this.#add(item)
        if (pacer.isDue()) await nextTurn()
        if (signal?.aborted) throw aborted(signal)
      }
      await this.#send(true)
    } catch (error) {
      if (error instanceof LodestoreError) Object.assign(error, this.result())
      throw error
    }
  }

  /** Takes up an earlier import. @returns {Promise<boolean>} whether that was finished */
  async #resume() {
    const { checkpoint } = this.#options
    if (checkpoint === undefined) return false
    const store = this.#database.store(checkpoint.store)
    if (store.keyPath !== null) {
      const message = `importFrom: the store '${checkpoint.store}' must have out-of-line keys`
      throw invalidArgument(message, 'options.checkpoint.store')
    }
    const before = await store.get(checkpoint.key)
    if (before === undefined) return false
    this.#take(before)
    return before.isComplete
  }

  async #add(item) {
    const { batch = BATCH } = this.#options
    if (this.#isOther(item) || this.#batch.length >= batch) await this.#send(false)
    this.#batch.push(item)
    // What is behind it need not be read.
    if (item.error !== undefined && this.#isOneTooMany()) await this.#send(false)
  }

  /** Whether the batch has too many that are no documents. */
  #isOneTooMany() {
    const bad = this.#batch.filter(({ error }) => error !== undefined).length
    return this.#failed + bad > this.#mostErrors
  }

  get #mostErrors() {
    return this.#options.maxErrors ?? 0
  }

  /** Whether a document is for another store than those of the batch. */
  #isOther({ store }) {
    if (store === undefined) return false
    const one = this.#batch.find(({ error }) => error === undefined)
    return one !== undefined && one.store !== store
  }

  /** Writes the batch, or, where it has one error too many, what stands before that. */
  async #send(isComplete) {
    const items = this.#batch
    this.#batch = []
    const { checkpoint, onProgress } = this.#options
    if (items.length === 0 && (checkpoint === undefined || !isComplete)) return
    let stop
    for (let some = items; ; some = items.slice(0, stop.at)) {
      const next = await this.#write(some, isComplete && stop === undefined)
      if (next === undefined) break
      stop = next
    }
    onProgress?.({ phase: 'import', done: this.#imported, total: this.#imported })
    if (stop !== undefined) throw stop.error
  }

  /**
   * Writes documents, and, if there is a checkpoint, with them how far the source was read.
   *
   * @param {import('./read-documents').Item[]} items
   * @param {boolean} isComplete whether there are no more
   * @returns {Promise<Failure | undefined>} the failure that is one too many; nothing is written
   *   then
   */
  async #write(items, isComplete) {
    if (items.length === 0 && !isComplete) return undefined
    if (await this.#writeAll(items)) return undefined
    const { checkpoint } = this.#options
    try {
      const numbers = await this.#database.transaction(async (tx) => {
        const outcome = await this.#putAll(tx, items)
        const stop = outcome.failures[Math.max(0, this.#mostErrors - this.#failed)]
        if (stop !== undefined) throw new Stopped(stop)
        const after = this.#numbersWith(outcome, items.length)
        if (checkpoint !== undefined) {
          await tx.store(checkpoint.store).put({ ...after, isComplete }, checkpoint.key)
        }
        return after
      }, TRANSACTION)
      this.#take(numbers)
      return undefined
    } catch (error) {
      if (error instanceof Stopped) return error.stop
      throw error
    }
  }

  /** Writes documents as fast as it can be done, if that is all: false if some of them fail. */
  async #writeAll(items) {
    const { checkpoint, onExisting = 'replace', store } = this.#options
    const isAll = checkpoint === undefined && onExisting === 'replace' && items.length > 0
    if (!isAll || items.some(({ error }) => error !== undefined)) return false
    try {
      const { documents, entries } = documentsOf(items)
      await this.#database.store(store ?? items[0].store).putMany(documents, { entries })
    } catch (error) {
      // Large documents may take longer than a transaction may that begins by itself.
      if (isOfDocument(error) || error.code === 'TX_TIMEOUT') return false
      throw error
    }
    this.#take(this.#numbersWith({ existing: 0, failures: [] }, items.length))
    return true
  }

  /** Takes the numbers of what is written. */
  #take({ imported, existing, failed, errors }) {
    this.#imported = imported
    this.#existing = existing
    this.#failed = failed
    this.#errors = errors
  }

  /** @param {{ existing: number, failures: Failure[] }} outcome of so many */
  #numbersWith({ existing, failures }, count) {
    const told = failures.map(({ line, error: { code, message } }) => ({ line, code, message }))
    return {
      imported: this.#imported + count - existing - failures.length,
      existing: this.#existing + existing,
      failed: this.#failed + failures.length,
      errors: [...this.#errors, ...told].slice(0, LISTED),
    }
  }

  /**
   * Puts documents into their store, but for those that fail.
   *
   * @returns {Promise<{ existing: number, failures: Failure[] }>} the failures in their order
   */
  async #putAll(tx, items) {
    const { onExisting = 'replace' } = this.#options
    /** @type {Failure[]} */
    const failures = []
    const good = []
    for (const [at, { line, error }] of items.entries()) {
      if (error === undefined) good.push(at)
      else failures.push({ at, line, error })
    }
    if (good.length === 0) return { existing: 0, failures }
    const store = tx.store(this.#options.store ?? items[good[0]].store)
    const documents = good.map((at) => items[at])
    const put = onExisting === 'replace' ? replaceAll : insertAll
    let existing = 0
    for (const { at: place, error } of await put(store, documents)) {
      const at = good[place]
      if (error.code === 'KEY_EXISTS' && onExisting === 'keep') existing++
      else failures.push({ at, line: items[at].line, error: ofLine(items[at].line, error) })
    }
    return { existing, failures: failures.toSorted((one, other) => one.at - other.at) }
  }
}

/**
 * A document that was not written, or a piece of text that is none.
 *
 * @typedef {{ at: number, line: number, error: LodestoreError }} Failure `at` in its batch
 */

/** Undoes a transaction that has one failure too many. */
class Stopped extends Error {
  /** @param {Failure} stop */
  constructor(stop) {
    super(stop.error.message)
    this.stop = stop
  }
}

/** What `putMany` takes. */
function documentsOf(items) {
  const entries = items.some(({ key }) => key !== undefined)
  const documents = items.map(({ key, document }) => (entries ? [key, document] : document))
  return { documents, entries }
}

/** @returns {Promise<{ at: number, error: { code: string, message: string } }[]>} what failed */
async function replaceAll(store, items) {
  const { documents, entries } = documentsOf(items)
  const { errors } = await store.putMany(documents, { atomic: false, entries })
  return errors.map(({ at, ...error }) => ({ at, error }))
}

/** @returns {Promise<{ at: number, error: LodestoreError }[]>} what failed */
async function insertAll(store, items) {
  const put = ({ document, key }) => store.add(document, key)
  const results = await Promise.allSettled(items.map(put))
  const failed = []
  for (const [at, { status, reason }] of results.entries()) {
    if (status === 'fulfilled') continue
    if (!isOfDocument(reason)) throw reason
    failed.push({ at, error: reason })
  }
  return failed
}

/** Says which line an error is about. */
function ofLine(line, error) {
  const { code, message, store, index, key, path, cause } = error
  return new LodestoreError(code, `line ${line}: ${message}`, { store, index, key, path, cause })
}

/** Whether an error is about one document, and others can be written. */
function isOfDocument({ code }) {
  return DOCUMENT_ERRORS.has(code)
}

module.exports = { importFrom }
