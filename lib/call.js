'use strict'

const { AsyncResource } = require('node:async_hooks')
const { Promise } = require('./globals')
const { LodestoreError } = require('./errors')
const { decodeInternal } = require('./internal-codec')

/** An operation of the native library that one caller waits for. */
class Call {
  /** @param {(payload: Buffer) => void} [onProgress] @param {() => void} cancel */
  constructor(onProgress, cancel) {
    this.onProgress = onProgress
    this.cancel = cancel
    this.payload = null
    this.failure = null
    /** What the caller's progress function threw. */
    this.thrown = null
    this.settled = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  complete(payload) {
    this.payload = payload
    this.settle()
  }

  fail(failure) {
    this.failure = failure
    this.settle()
  }

  progress(payload) {
    if (this.onProgress === undefined || this.thrown !== null) return
    try {
      this.onProgress(payload)
    } catch (error) {
      this.thrown = { error }
      this.cancel()
    }
  }
}

/**
 * Begins an operation that is answered by ticket, and waits for it.
 *
 * @param {import('./connection').Connection} connection
 * @param {(ticket: number) => void} begin
 * @param {{ onProgress?: (progress: object) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<Buffer>} the payload
 * @throws {LodestoreError} CLOSED; ABORTED if the signal is aborted; what the operation fails with.
 *   What `onProgress` throws cancels the operation and is thrown on.
 */
async function call(connection, begin, { onProgress, signal } = {}) {
  connection.checkOpen()
  if (signal?.aborted) throw aborted(signal)
  // In the asynchronous context of the caller, whoever takes the message.
  const report = onProgress && AsyncResource.bind((payload) => onProgress(decodeInternal(payload)))
  const cancel = () => connection.native.cancel(ticket)
  const request = new Call(report, cancel)
  const ticket = connection.tickets.open(request)
  try {
    begin(ticket)
  } catch (error) {
    connection.tickets.close(ticket)
    throw connection.errorOf(error)
  }
  signal?.addEventListener('abort', cancel, { once: true })
  await request.settled
  signal?.removeEventListener('abort', cancel)
  if (request.thrown !== null) throw request.thrown.error
  if (request.failure === null) return request.payload
  const error = connection.errorOf(request.failure)
  throw signal?.aborted && error.code === 'ABORTED' ? aborted(signal) : error
}

/** The error of an operation whose signal was aborted. */
function aborted(signal) {
  return new LodestoreError('ABORTED', 'The operation was cancelled', { cause: signal.reason })
}

module.exports = { aborted, call }
