'use strict'

const { LodestoreError } = require('./errors')
const { copyKey } = require('./key')
const { MISSING } = require('./key-path')
const {
  FLAG,
  NO_LENGTH,
  OP,
  PATCH_OFFSET_AT,
  beginOperation,
  endKey,
  endValue,
  writeKey,
} = require('./operations')
const { checkOptions, nonEmptyString, anything } = require('./options/check')
const { withStore } = require('./put')
const { uuidv7 } = require('./uuid')

const UPSERT_OPTIONS = { on: nonEmptyString, key: anything }

/**
 * Checks the options of an upsert.
 *
 * @param {unknown} options
 * @returns {{ on?: string, key?: unknown }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkUpsert(options) {
  return checkOptions('upsert', options, UPSERT_OPTIONS)
}

/**
 * How the document is inserted if there is none to be changed.
 *
 * @typedef {object} Insertion
 * @property {number} flags
 * @property {unknown} [key] out-of-line; undefined if there is none
 * @property {{ path: string[], value?: unknown } | null} inject a key for the document
 */

/**
 * Appends the upsert of a document to what is about to be written.
 *
 * @param {import('./write-batch').OperationQueue} queue its `lastBatch` and `lastAt` then tell
 *   where it stands
 * @param {import('./catalog').StoreDefinition} definition
 * @param {unknown} document
 * @param {{ on?: string, key?: unknown }} options
 * @param {Map<Blob, Uint8Array> | null} blobs the bytes of the blobs in the document
 * @throws {LodestoreError} INDEX_NOT_FOUND, INVALID_ARGUMENT, INVALID_KEY, DATA_CLONE; then nothing
 *   is written
 */
function appendUpsert(queue, definition, document, { on, key }, blobs) {
  const { state } = definition
  const index = on === undefined ? NO_LENGTH : definition.index(on).id
  const insertion = state.keyReader === null ? outOfLine(state, key) : inLine(state, document, key)
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  try {
    beginOperation(writer, OP.UPSERT, insertion.flags, state.id)
    if (insertion.key !== undefined) {
      const from = writer.position
      writeKey(writer, insertion.key)
      endKey(writer, start, from)
    }
    const from = writer.position
    writer.ensure(4)
    writer.view.setUint32(from, index, true)
    writer.position = from + 4
    state.encoder.encode(document, state.shapes, writer, insertion.inject, blobs)
    endValue(writer, start, from)
    if ((insertion.flags & FLAG.PATCH) !== 0) {
      writer.view.setUint32(start + PATCH_OFFSET_AT, state.encoder.injectedAt, true)
    }
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
}

/** @returns {Insertion} */
function outOfLine(state, key) {
  if (key !== undefined) return { flags: 0, key: copyKey(key), inject: null }
  if (state.generator === 'sequence') return { flags: FLAG.GENERATE, inject: null }
  if (state.generator === 'uuidv7') return { flags: FLAG.FRESH, key: uuidv7(), inject: null }
  throw new LodestoreError(
    'INVALID_KEY',
    `The store '${state.name}' has no key path and no key generator, so a key must be given`,
    { store: state.name, path: 'options.key' },
  )
}

/** @returns {Insertion} */
function inLine(state, document, key) {
  if (key !== undefined) {
    throw new LodestoreError(
      'INVALID_ARGUMENT',
      `The store '${state.name}' takes its keys from the documents ('${state.keyPath}'), ` +
        'so no key may be given beside one',
      { store: state.name, path: 'options.key' },
    )
  }
  if (state.generator === null || state.keyReader.read(document) !== MISSING) {
    return { flags: FLAG.INLINE, inject: null }
  }
  const path = state.keyReader.segments
  if (state.generator === 'sequence') return { flags: FLAG.PATCH, inject: { path } }
  return { flags: FLAG.INLINE | FLAG.FRESH, inject: { path, value: uuidv7() } }
}

module.exports = { checkUpsert, appendUpsert }
