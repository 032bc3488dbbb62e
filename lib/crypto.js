'use strict'

const crypto = require('node:crypto')
const { promisify } = require('node:util')
const { LodestoreError } = require('./errors')
const {
  checkOptions,
  describe,
  invalidArgument,
  nonEmptyString,
  oneOf,
} = require('./options/check')

/*
 * Sealed values: `01 | cipher | kind of key | kind of value | salt (16) | nonce (12) | ciphertext |
 * tag (16)`. What stands before the ciphertext is authenticated, and so is the associated data,
 * behind it. Each value has a key of its own, derived with its salt: from a key by HKDF-SHA-256
 * (RFC 5869), from a passphrase by scrypt (RFC 7914; N = 2^17, r = 8, p = 1).
 */

const VERSION = 1
const SALT = 16
const NONCE = 12
const TAG = 16
const HEADER = 4 + SALT + NONCE
const KEY_BYTES = 32

/** By their numbers in the format. */
const CIPHERS = Object.freeze({ 'aes-256-gcm': 1, 'chacha20-poly1305': 2 })
const FROM_KEY = 1
const FROM_PASSPHRASE = 2
const BYTES = 1
const TEXT = 2

const SCRYPT = Object.freeze({ N: 2 ** 17, r: 8, p: 1, maxmem: 192 << 20 })
const INFO = 'lodestore sealed value'

const scrypt = promisify(crypto.scrypt)
const hkdf = promisify(crypto.hkdf)

const bytes = {
  allows: 'bytes (a Uint8Array) or a string',
  accepts: (value) => typeof value === 'string' || value instanceof Uint8Array,
}
const keyBytes = {
  allows: '32 bytes (a Uint8Array)',
  accepts: (value) => value instanceof Uint8Array && value.length === KEY_BYTES,
}

const KEY_OPTIONS = { key: keyBytes, passphrase: nonEmptyString, associatedData: bytes }
const SEAL_OPTIONS = {
  ...KEY_OPTIONS,
  cipher: oneOf(...Object.keys(CIPHERS)),
  encoding: oneOf('base64', 'bytes'),
}

/** Takes the options apart; never says what a key or passphrase is. */
function checked(method, options, specification) {
  const { key, passphrase, ...rest } = checkOptions(method, options ?? {}, specification)
  if ((key === undefined) === (passphrase === undefined)) {
    throw invalidArgument(`${method}: give either options.key or options.passphrase`, 'options')
  }
  return { key, passphrase, associatedData: '', ...rest }
}

/**
 * Seals a value: encrypts it, so that only who has the key can read it, or has changed it
 * unnoticed.
 *
 * @param {string | Uint8Array} value
 * @param {object} options see crypto.d.ts
 * @returns {Promise<string | Buffer>}
 */
async function seal(value, options) {
  if (!bytes.accepts(value)) {
    throw invalidArgument(`seal: value must be ${bytes.allows}, not ${describe(value)}`, 'value')
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    const message = 'seal: value has a lone surrogate, which UTF-8 cannot hold; give bytes'
    throw invalidArgument(message, 'value')
  }
  const {
    key,
    passphrase,
    associatedData,
    cipher = 'aes-256-gcm',
    encoding = 'base64',
  } = checked('seal', options, SEAL_OPTIONS)
  const kind = key === undefined ? FROM_PASSPHRASE : FROM_KEY
  const type = typeof value === 'string' ? TEXT : BYTES
  const header = Buffer.concat([
    Buffer.from([VERSION, CIPHERS[cipher], kind, type]),
    crypto.randomBytes(SALT + NONCE),
  ])
  const own = await ownKey(key, passphrase, header)
  try {
    const work = crypto.createCipheriv(cipher, own, nonceOf(header), { authTagLength: TAG })
    work.setAAD(Buffer.concat([header, Buffer.from(associatedData)]))
    const sealed = Buffer.concat([header, work.update(value), work.final(), work.getAuthTag()])
    return encoding === 'bytes' ? sealed : sealed.toString('base64')
  } finally {
    own.fill(0)
  }
}

/**
 * Opens a sealed value.
 *
 * @param {string | Uint8Array} sealed
 * @param {object} options see crypto.d.ts
 * @returns {Promise<string | Buffer>} a string if that was sealed
 * @throws {LodestoreError} WRONG_KEY
 */
async function open(sealed, options) {
  if (!bytes.accepts(sealed)) {
    throw invalidArgument(`open: sealed must be ${bytes.allows}, not ${describe(sealed)}`, 'sealed')
  }
  const { key, passphrase, associatedData } = checked('open', options, KEY_OPTIONS)
  const all = typeof sealed === 'string' ? Buffer.from(sealed, 'base64') : Buffer.from(sealed)
  const header = all.subarray(0, HEADER)
  const kind = key === undefined ? FROM_PASSPHRASE : FROM_KEY
  const cipher = Object.keys(CIPHERS).find((name) => CIPHERS[name] === header[1])
  const isSealed =
    all.length >= HEADER + TAG &&
    header[0] === VERSION &&
    cipher !== undefined &&
    header[2] === kind &&
    (header[3] === BYTES || header[3] === TEXT)
  if (!isSealed) throw cannotOpen()
  const own = await ownKey(key, passphrase, header)
  try {
    const work = crypto.createDecipheriv(cipher, own, nonceOf(header), { authTagLength: TAG })
    work.setAAD(Buffer.concat([header, Buffer.from(associatedData)]))
    work.setAuthTag(all.subarray(-TAG))
    const opened = Buffer.concat([work.update(all.subarray(HEADER, -TAG)), work.final()])
    return header[3] === TEXT ? opened.toString('utf8') : opened
  } catch {
    throw cannotOpen()
  } finally {
    own.fill(0)
  }
}

const nonceOf = (header) => header.subarray(4 + SALT, HEADER)

/** The key of one value. @returns {Promise<Buffer>} */
async function ownKey(key, passphrase, header) {
  const salt = header.subarray(4, 4 + SALT)
  if (key === undefined) return scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, SCRYPT)
  return Buffer.from(await hkdf('sha256', key, salt, INFO, KEY_BYTES))
}

function cannotOpen() {
  return new LodestoreError(
    'WRONG_KEY',
    'the value cannot be opened: the key, the passphrase or the associated data is another one, ' +
      'or the value was changed',
  )
}

module.exports = { open, seal }
