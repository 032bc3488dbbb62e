'use strict'

const {
  checkArgument,
  checkOptions,
  describe,
  integer,
  invalidArgument,
  isOptionsObject,
  nonEmptyString,
  oneOf,
} = require('./check')

const KEY_LENGTH = 32

/** Options of Argon2id, in the bounds of the native library. */
const KDF_OPTIONS = {
  memory: integer(8, 4 * 1024 * 1024, 'KiB'),
  iterations: integer(1, 1000),
  parallelism: integer(1, 64),
}

/** @type {import('./check').Kind} */
const keyOrCallback = {
  allows: `a Uint8Array of ${KEY_LENGTH} bytes, or a function that gives one`,
  accepts: (value) => isKey(value) || typeof value === 'function',
}

/** @type {import('./check').Kind} */
const kdfOptions = { allows: 'an object', accepts: isOptionsObject }

const SECRET_OPTIONS = { passphrase: nonEmptyString, key: keyOrCallback, kdf: kdfOptions }

const ENCRYPTION_OPTIONS = {
  ...SECRET_OPTIONS,
  cipher: oneOf('aes-256-gcm', 'chacha20-poly1305'),
}

const isKey = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (value) {
    return value instanceof Uint8Array && value.byteLength === KEY_LENGTH
  }
)

/** Checks the option `encryption` of a method. @see checkSecret */
const checkEncryption = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, options) {
    return checkSecret(method, options, 'options.encryption', ENCRYPTION_OPTIONS)
  }
)

/**
 * Checks what opens a database.
 *
 * @param {string} method
 * @param {unknown} options
 * @param {string} path where it stands among the arguments
 * @returns {object} what the native library takes, but for a key that is still to be asked for
 * @throws {LodestoreError} INVALID_ARGUMENT; its message names no value
 */
const checkSecret = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (method, options, path, specification = SECRET_OPTIONS) {
    if (!isOptionsObject(options)) {
      const message = `${method}: ${path} must be an object, not ${describe(options)}`
      throw invalidArgument(message, path)
    }
    const { passphrase, key, cipher, kdf } = checkOptions(method, options, specification, path)
    if ((passphrase === undefined) === (key === undefined)) {
      const message = `${method}: ${path} needs either 'passphrase' or 'key'`
      throw invalidArgument(message, path)
    }
    const parameters = kdf === undefined ? KDF_DEFAULT : checkKdf(method, kdf, `${path}.kdf`)
    // The same passphrase, however the keyboard composes its characters.
    return { passphrase: passphrase?.normalize('NFC'), key, cipher, ...parameters }
  }
)

/** The second recommended option of RFC 9106, as the native library has it. */
const KDF_DEFAULT = Object.freeze({ memory: 65_536, iterations: 3, parallelism: 4 })

/**
 * Checks how a passphrase becomes a key.
 *
 * @param {string} method
 * @param {unknown} kdf
 * @param {string} path where it stands among the arguments
 * @returns {{ memory: number, iterations: number, parallelism: number }}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function checkKdf(method, kdf, path) {
  const parameters = { ...KDF_DEFAULT, ...checkOptions(method, kdf, KDF_OPTIONS, path) }
  if (parameters.memory < 8 * parameters.parallelism) {
    const message = `${method}: ${path}.memory must be at least 8 KiB for each of 'parallelism'`
    throw invalidArgument(message, `${path}.memory`)
  }
  return parameters
}

/**
 * Asks for a key that is given by a function.
 *
 * @param {string} method
 * @param {object} encryption what was checked
 * @param {string} [path] where it stands among the arguments
 * @returns {Promise<object>}
 * @throws {LodestoreError} INVALID_ARGUMENT; and what the function throws
 */
async function withKey(method, encryption, path = 'options.encryption') {
  if (typeof encryption.key !== 'function') return encryption
  const key = await encryption.key()
  const result = { allows: `a function that gives ${KEY_LENGTH} bytes`, accepts: isKey }
  return { ...encryption, key: checkArgument(method, key, result, `${path}.key`) }
}

module.exports = { checkEncryption, checkKdf, checkSecret, kdfOptions, withKey }
