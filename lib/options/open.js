'use strict'

const { resolve } = require('node:path')
const {
  anything,
  callback,
  checkArgument,
  checkOptions,
  integer,
  nonEmptyString,
  oneOf,
} = require('./check')
const { checkEncryption } = require('./encryption')
const { checkStores } = require('./schema')

const MILLISECONDS = 'milliseconds'
const BYTES = 'bytes'

/** Options that go to the native library as they are. */
const NATIVE_OPTIONS = {
  mode: oneOf('openOrCreate', 'create', 'open', 'readOnly'),
  durability: oneOf('strict', 'relaxed', 'none'),
  space: nonEmptyString,
  mapSize: integer(1 << 20, Number.MAX_SAFE_INTEGER, BYTES),
  busyTimeout: integer(0, 2 ** 31 - 1, MILLISECONDS),
  maxPendingBytes: integer(1 << 16, Number.MAX_SAFE_INTEGER, BYTES),
  maxReaders: integer(8, 65_535),
  snapshotTimeout: integer(1, 2 ** 31 - 1, MILLISECONDS),
}

const OPEN_OPTIONS = {
  ...NATIVE_OPTIONS,
  stores: anything,
  onIntegrityError: callback,
  encryption: anything,
}

const IN_MEMORY = ':memory:'

/**
 * Checks the arguments of `open`.
 *
 * @param {unknown} path
 * @param {unknown} options
 * @returns {{ native: object, stores: import('./schema').StoreSchema[], onIntegrityError?: any,
 *   encryption?: object }}
 *   `native` with the defaults of what the native library needs to be told
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
const checkOpen = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (path, options) {
    checkArgument('open', path, nonEmptyString, 'path')
    const { stores, onIntegrityError, encryption, ...given } = checkOptions(
      'open',
      options,
      OPEN_OPTIONS,
    )
    const native = {
      mode: 'openOrCreate',
      durability: 'strict',
      ...given,
      path: path === IN_MEMORY ? path : resolve(path),
    }
    return {
      native,
      stores: stores === undefined ? [] : checkStores('open', stores),
      onIntegrityError,
      encryption: encryption === undefined ? undefined : checkEncryption('open', encryption),
    }
  }
)

module.exports = { checkOpen, IN_MEMORY }
