'use strict'

const { LodestoreError } = require('./errors')
const { copyKey, decodeKeyAt } = require('./key')
const { MISSING, UNDECIDED } = require('./key-path')
const {
  FLAG,
  PATCH_OFFSET_AT,
  beginOperation,
  endKey,
  endValue,
  writeKey,
} = require('./operations')
const { uuidv7 } = require('./uuid')

/** Stands for a key that comes with the result. */
const FROM_RESULT = Symbol('from result')

/** Written where a generated number will stand. */
const numberAt = (path) => ({ path })

/**
 * Appends a put or an add to what is about to be written. Whatever may run code of the user
 * (proxies, accessors of keys) comes before the batch is chosen; the encoder guards itself.
 *
 * @param {import('./write-batch').OperationQueue} queue its `lastBatch` and `lastAt` then tell
 *   where it stands
 * @param {number} op PUT or ADD
 * @param {import('./store-state').StoreState} state
 * @param {unknown} value the document
 * @param {unknown} key for stores with out-of-line keys; undefined asks the generator
 * @param {Map<Blob, Uint8Array> | null} blobs the bytes of the blobs in the document
 * @returns {unknown} the key, or FROM_RESULT if the result of the operation holds it
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_KEY, DATA_CLONE; then nothing is written
 */
function appendPut(queue, op, state, value, key, blobs) {
  return state.keyReader === null
    ? putOutOfLine(queue, op, state, value, key, blobs)
    : putInLine(queue, op, state, value, key, blobs)
}

function putInLine(queue, op, state, value, key, blobs) {
  if (key !== undefined) {
    throw new LodestoreError(
      'INVALID_ARGUMENT',
      `The store '${state.name}' takes its keys from the documents ('${state.keyPath}'), ` +
        'so no key may be given beside one',
      { store: state.name, path: 'key' },
    )
  }
  const found = state.keyReader.read(value)
  if (found === UNDECIDED) {
    appendDocument(queue, op, FLAG.INLINE | FLAG.RETURN_KEY, state, value, null, blobs)
    return FROM_RESULT
  }
  if (found !== MISSING) {
    appendDocument(queue, op, FLAG.INLINE, state, value, null, blobs)
    return found
  }
  if (state.generator === 'sequence') {
    const flags = FLAG.PATCH | FLAG.RETURN_KEY
    appendDocument(queue, op, flags, state, value, numberAt(state.keyReader.segments), blobs)
    return FROM_RESULT
  }
  if (state.generator === 'uuidv7') {
    const inject = { path: state.keyReader.segments, value: uuidv7() }
    appendDocument(queue, op, FLAG.INLINE, state, value, inject, blobs)
    return inject.value
  }
  throw new LodestoreError(
    'INVALID_KEY',
    `A document for the store '${state.name}' needs a key at '${state.keyPath}'`,
    { store: state.name, path: String(state.keyPath) },
  )
}

function putOutOfLine(queue, op, state, value, key, blobs) {
  let given = key
  if (given === undefined) {
    if (state.generator === 'sequence') {
      appendDocument(queue, op, FLAG.GENERATE | FLAG.RETURN_KEY, state, value, null, blobs)
      return FROM_RESULT
    }
    if (state.generator === null) {
      throw new LodestoreError(
        'INVALID_KEY',
        `The store '${state.name}' has no key path and no key generator, so a key must be given`,
        { store: state.name, path: 'key' },
      )
    }
    given = uuidv7()
  } else if (typeof given === 'object') {
    given = copyKey(given)
  }
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  let stored = given
  try {
    beginOperation(writer, op, 0, state.id)
    const from = writer.position
    writeKey(writer, given)
    if (typeof given !== 'string') stored = decodeKeyAt(writer.buffer, from, writer.position)
    endKey(writer, start, from)
    encodeValue(writer, start, state, value, null, blobs)
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
  return stored
}

function appendDocument(queue, op, flags, state, value, inject, blobs) {
  const batch = queue.open()
  const { writer } = batch
  const start = writer.position
  try {
    beginOperation(writer, op, flags, state.id)
    encodeValue(writer, start, state, value, inject, blobs)
    if ((flags & FLAG.PATCH) !== 0) {
      writer.view.setUint32(start + PATCH_OFFSET_AT, state.encoder.injectedAt, true)
    }
  } catch (error) {
    writer.position = start
    throw withStore(error, state)
  }
  queue.append(batch)
}

function encodeValue(writer, start, state, value, inject, blobs) {
  const from = writer.position
  state.encoder.encode(value, state.shapes, writer, inject, blobs)
  endValue(writer, start, from)
}

/** Names the store in an error of the codec. */
function withStore(error, state) {
  if (error instanceof LodestoreError && error.store === undefined) error.store = state.name
  return error
}

module.exports = { appendPut, withStore, FROM_RESULT }
