'use strict'

const { channel } = require('node:diagnostics_channel')

/** Writes were committed: `{ path, space, operation, operations, bytes, milliseconds }`. */
const commit = channel('lodestore:commit')
/** An operation took longer than `SLOW_MS`: `{ path, space, operation, milliseconds }`. */
const slowOperation = channel('lodestore:slow-operation')
/** The oldest reader holds back many pages: what the native library reports. */
const readerLag = channel('lodestore:reader-lag')
/** An index is being built: `{ path, space, store, index, phase, done, total }`. */
const indexBuild = channel('lodestore:index-build')

/** From how many milliseconds on an operation is slow. */
const SLOW_MS = 100

/** Whether anybody wants to know how long operations take; without a listener no clock is read. */
function timed() {
  return commit.hasSubscribers || slowOperation.hasSubscribers
}

/**
 * Publishes an operation that took long.
 *
 * @param {{ path: string, space: string | undefined }} connection
 * @param {string} operation
 * @param {number} milliseconds
 */
function reportSlow({ path, space }, operation, milliseconds) {
  if (milliseconds < SLOW_MS || !slowOperation.hasSubscribers) return
  slowOperation.publish({ path, space, operation, milliseconds })
}

/**
 * Publishes a commit, and that it was slow if it was.
 *
 * @param {{ path: string, space: string | undefined }} connection
 * @param {'write' | 'transaction'} operation
 * @param {number} operations how many travelled together, or were made in the transaction
 * @param {number} bytes of packed operations
 * @param {number} milliseconds since they were sent, or the transaction began
 */
function reportCommit({ path, space }, operation, operations, bytes, milliseconds) {
  if (commit.hasSubscribers) {
    commit.publish({ path, space, operation, operations, bytes, milliseconds })
  }
  reportSlow({ path, space }, operation, milliseconds)
}

module.exports = { readerLag, indexBuild, timed, reportCommit, reportSlow, SLOW_MS }
