'use strict'

const crypto = require('node:crypto')
const { promisify } = require('node:util')
const { LodestoreError } = require('./errors')
const { errorOfReport, reportOf } = require('./native-errors')
const {
  checkOptions,
  describe,
  invalidArgument,
  nonEmptyString,
  oneOf,
} = require('./options/check')
const { checkKdf, kdfOptions } = require('./options/encryption')

/*
 * Sealed values: `version | cipher | kind of key | kind of value`, of version 2 `u32 memory (KiB) |
 * u32 passes | u32 lanes` (little-endian), then `salt (16) | nonce (12) | ciphertext | tag (16)`.
 * What stands before the ciphertext is authenticated, and so is the associated data, behind it.
 * Each value has a key of its own, derived with its salt: of version 1 from a key by HKDF-SHA-256
 * (RFC 5869), or from a passphrase by scrypt (RFC 7914; N = 2^17, r = 8, p = 1), which is opened
 * and not written any more; of version 2 from a passphrase by Argon2id (RFC 9106), as in databases.
 */

const VERSION = 1
const ARGON2ID_VERSION = 2
const SALT = 16
const NONCE = 12
const TAG = 16
const KINDS = 4
const PARAMETERS = 12
const KEY_BYTES = 32

/** By their numbers in the format. */
const CIPHERS = Object.freeze({ 'aes-256-gcm': 1, 'chacha20-poly1305': 2 })
const FROM_KEY = 1
const FROM_PASSPHRASE = 2
const BYTES = 1
const TEXT = 2

const SCRYPT = Object.freeze({ N: 2 ** 17, r: 8, p: 1, maxmem: 192 << 20 })
const INFO = 'lodestore sealed value'

/** What a value may ask of whoever opens it, who need not trust it: KiB, and KiB times passes. */
const MOST_MEMORY = 1 << 20
const MOST_WORK = 1 << 24

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
  kdf: kdfOptions,
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
    kdf,
  } = checked('seal', options, SEAL_OPTIONS)
  const type = typeof value === 'string' ? TEXT : BYTES
  const header = new Header(
    Buffer.concat([
      key === undefined
        ? passphraseHead(CIPHERS[cipher], type, kdf)
        : Buffer.from([VERSION, CIPHERS[cipher], FROM_KEY, type]),
      crypto.randomBytes(SALT + NONCE),
    ]),
  )
  const own = await ownKey(key, passphrase, header)
  try {
    const work = crypto.createCipheriv(cipher, own, header.nonce, { authTagLength: TAG })
    work.setAAD(Buffer.concat([header.bytes, Buffer.from(associatedData)]))
    const sealed = Buffer.concat([
      header.bytes,
      work.update(value),
      work.final(),
      work.getAuthTag(),
    ])
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
  const header = new Header(all)
  const { cipher, type } = header
  const kind = key === undefined ? FROM_PASSPHRASE : FROM_KEY
  const isSealed = all.length >= header.length + TAG && header.canBe(kind)
  if (!isSealed) throw cannotOpen()
  const own = await ownKey(key, passphrase, header)
  try {
    const work = crypto.createDecipheriv(cipher, own, header.nonce, { authTagLength: TAG })
    work.setAAD(Buffer.concat([header.bytes, Buffer.from(associatedData)]))
    work.setAuthTag(all.subarray(-TAG))
    const opened = Buffer.concat([work.update(all.subarray(header.length, -TAG)), work.final()])
    return type === TEXT ? opened.toString('utf8') : opened
  } catch {
    throw cannotOpen()
  } finally {
    own.fill(0)
  }
}

/** What stands before the ciphertext. */
class Header {
  /** @param {Buffer} all a sealed value, or its beginning */
  constructor(all) {
    this.version = all[0]
    this.cipher = Object.keys(CIPHERS).find((name) => CIPHERS[name] === all[1])
    this.kind = all[2]
    this.type = all[3]
    const start = KINDS + (this.version === ARGON2ID_VERSION ? PARAMETERS : 0)
    this.length = start + SALT + NONCE
    this.bytes = all.subarray(0, this.length)
    this.salt = all.subarray(start, start + SALT)
    this.nonce = all.subarray(start + SALT, this.length)
  }

  /** Whether it can be one of a value that was sealed with this kind of key. */
  canBe(kind) {
    const isKnown = this.version === ARGON2ID_VERSION ? this.isPossible() : this.version === VERSION
    return (
      isKnown &&
      this.cipher !== undefined &&
      this.kind === kind &&
      (this.type === BYTES || this.type === TEXT)
    )
  }

  /** The parameters of Argon2id. */
  get parameters() {
    const [memory, iterations, parallelism] = [0, 4, 8].map((at) =>
      this.bytes.readUInt32LE(KINDS + at),
    )
    return { memory, iterations, parallelism }
  }

  isPossible() {
    const { memory, iterations, parallelism } = this.parameters
    return (
      this.kind === FROM_PASSPHRASE &&
      iterations >= 1 &&
      parallelism >= 1 &&
      parallelism <= 64 &&
      memory >= 8 * parallelism &&
      isBearable(memory, iterations)
    )
  }
}

const isBearable = (memory, iterations) =>
  memory <= MOST_MEMORY && iterations <= 1000 && memory * iterations <= MOST_WORK

/** The head of a value that a passphrase seals. */
function passphraseHead(cipher, type, kdf) {
  const { memory, iterations, parallelism } = checkKdf('seal', kdf, 'options.kdf')
  if (!isBearable(memory, iterations)) {
    const message =
      'seal: options.kdf asks for more than 1 GiB of memory, or more than 16 GiB in all passes, ' +
      'which open would refuse'
    throw invalidArgument(message, 'options.kdf')
  }
  const head = Buffer.alloc(KINDS + PARAMETERS)
  head.set([ARGON2ID_VERSION, cipher, FROM_PASSPHRASE, type])
  head.writeUInt32LE(memory, KINDS)
  head.writeUInt32LE(iterations, KINDS + 4)
  head.writeUInt32LE(parallelism, KINDS + 8)
  return head
}

/** The key of one value. @returns {Promise<Buffer>} */
async function ownKey(key, passphrase, header) {
  const { salt } = header
  if (key !== undefined) return Buffer.from(await hkdf('sha256', key, salt, INFO, KEY_BYTES))
  const text = passphrase.normalize('NFC')
  if (header.version === VERSION) return scrypt(text, salt, KEY_BYTES, SCRYPT)
  const { memory, iterations, parallelism } = header.parameters
  // Only passphrases need the native library.
  const binding = require('./binding')
  try {
    return await binding.derivePassphraseKey(text, salt, memory, iterations, parallelism)
  } catch (error) {
    const report = reportOf(error)
    throw report === undefined ? error : errorOfReport(report)
  }
}

function cannotOpen() {
  return new LodestoreError(
    'WRONG_KEY',
    'the value cannot be opened: the key, the passphrase or the associated data is another one, ' +
      'or the value was changed',
  )
}

module.exports = { open, seal }
