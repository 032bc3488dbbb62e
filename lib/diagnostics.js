'use strict'

const { channel } = require('node:diagnostics_channel')

/** A group of writes was committed: `{ path, space, operations, bytes, milliseconds }`. */
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

/** Publishes a committed group of writes, and that it was slow if it was. */
function reportCommit({ path, space }, operations, bytes, milliseconds) {
  if (commit.hasSubscribers) commit.publish({ path, space, operations, bytes, milliseconds })
  reportSlow({ path, space }, 'write', milliseconds)
}

module.exports = { readerLag, indexBuild, timed, reportCommit, reportSlow, SLOW_MS }
