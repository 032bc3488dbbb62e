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

  /** Takes the numbers of what is written. */
  #take({ imported, existing, failed, errors }) {
    this.#imported = imported
    this.#existing = existing
    this.#failed = failed
    this.#errors = errors
  }

  async #add(item) {
    const { batch = BATCH } = this.#options
    if (item.error !== undefined) {
      const bad = this.#batch.filter(({ error }) => error !== undefined).length
      if (this.#failed + bad >= this.#mostErrors) {
        await this.#send(false)
        throw item.error
      }
    } else if (this.#isOther(item)) {
      await this.#send(false)
    }
    if (this.#batch.length >= batch) await this.#send(false)
    this.#batch.push(item)
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

  /** Writes the batch, and, if there is a checkpoint, with it how far the source was read. */
  async #send(isComplete) {
    const items = this.#batch
    this.#batch = []
    const { checkpoint, onExisting = 'replace', onProgress } = this.#options
    if (items.length === 0 && (checkpoint === undefined || !isComplete)) return
    const bad = items.filter(({ error }) => error !== undefined)
    const outcome = { existing: 0, errors: bad.map(({ line, error }) => ({ line, error })) }
    const good = items.filter(({ error }) => error === undefined)
    const isSimple = checkpoint === undefined && onExisting === 'replace'
    let numbers
    if (isSimple) {
      await this.#putMany(good, outcome)
      numbers = this.#numbersWith(outcome, items.length)
    } else {
      numbers = await this.#database.transaction(async (tx) => {
        await this.#putInside(tx, good, outcome, onExisting)
        const after = this.#numbersWith(outcome, items.length)
        // Nothing of the batch is left then.
        if (after.failed > this.#mostErrors) throw outcome.errors[0].error
        if (checkpoint !== undefined) {
          await tx.store(checkpoint.store).put({ ...after, isComplete }, checkpoint.key)
        }
        return after
      }, TRANSACTION)
    }
    this.#take(numbers)
    onProgress?.({ phase: 'import', done: this.#imported, total: this.#imported })
    if (this.#failed > this.#mostErrors) throw outcome.errors[0].error
  }

  /** What the numbers are once a batch is written. */
  #numbersWith({ existing, errors }, count) {
    const told = errors.map(({ line: at, error: { code, message } }) => ({
      line: at,
      code,
      message,
    }))
    return {
      imported: this.#imported + count - existing - errors.length,
      existing: this.#existing + existing,
      failed: this.#failed + errors.length,
      errors: [...this.#errors, ...told.toSorted((a, b) => a.line - b.line)].slice(0, LISTED),
    }
  }

  async #putMany(items, outcome) {
    if (items.length === 0) return
    const store = this.#database.store(this.#options.store ?? items[0].store)
    const entries = items.some(({ key }) => key !== undefined)
    const documents = items.map(({ key, document }) => (entries ? [key, document] : document))
    const { errors } = await store.putMany(documents, { atomic: false, entries })
    for (const { at, code, message } of errors) {
      const { line } = items[at]
      outcome.errors.push({ line, error: new LodestoreError(code, `line ${line}: ${message}`) })
    }
  }

  async #putInside(tx, items, outcome, onExisting) {
    if (items.length === 0) return
    const store = tx.store(this.#options.store ?? items[0].store)
    const method = onExisting === 'replace' ? 'put' : 'add'
    const put = ({ document, key }) => store[method](document, key)
    const results = await Promise.allSettled(items.map(put))
    for (const [i, { status, reason }] of results.entries()) {
      if (status === 'fulfilled') continue
      if (reason.code === 'KEY_EXISTS' && onExisting === 'keep') outcome.existing++
      else if (isOfDocument(reason)) outcome.errors.push({ line: items[i].line, error: reason })
      else throw reason
    }
  }
}

/** Whether an error is about one document, and others can be written. */
function isOfDocument({ code }) {
  return DOCUMENT_ERRORS.has(code)
}

module.exports = { importFrom }
