'use strict'

const { checkBackup, checkLongWork } = require('./options/care')
const { checkEncryption, checkSecret, withKey } = require('./options/encryption')

/**
 * A secret as the native library takes it.
 *
 * @param {string} method
 * @param {unknown} secret a passphrase, or `{ passphrase, kdf? }`, or `{ key }`
 * @param {string} path the argument's name
 * @returns {Promise<object>}
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function secretOf(method, secret, path) {
  const given = typeof secret === 'string' ? { passphrase: secret } : secret
  return withKey(method, checkSecret(method, given, path), path)
}

/**
 * The options of `backup` as the native library takes them. `encryption: null` asks for a copy that
 * is not encrypted, no `encryption` for one that is encrypted as the database is.
 */
async function backupOptions(options) {
  const { spaces = true, compact = true, encryption, ...care } = checkBackup(options)
  const how = { spaces, compact, reseal: encryption !== undefined, ...care }
  if (encryption === undefined || encryption === null) return how
  const checked = checkEncryption('backup', encryption)
  return { ...how, encryption: await withKey('backup', checked) }
}

/** Lets `next` open the database in the place of `current`. */
async function changePassphrase(connection, current, next) {
  const from = await secretOf('changePassphrase', current, 'current')
  const to = await secretOf('changePassphrase', next, 'next')
  connection.checkOpen()
  await connection.call((ticket) => connection.native.changeKey(ticket, from, to))
}

/** Lets `additional` open the database as well as `current`. */
async function addKey(connection, current, additional) {
  const from = await secretOf('addKey', current, 'current')
  const to = await secretOf('addKey', additional, 'additional')
  connection.checkOpen()
  await connection.call((ticket) => connection.native.addKey(ticket, from, to))
}

/** Replaces the data key, and encrypts everything anew. */
async function rotateKey(connection, options) {
  const { onProgress, signal } = checkLongWork('rotateKey', options)
  connection.checkOpen()
  const { native } = connection
  await connection.call((ticket) => native.rotateKey(ticket), { onProgress, signal })
}

/** Lets `secret` open the database no more. */
async function removeKey(connection, secret) {
  const removed = await secretOf('removeKey', secret, 'secret')
  connection.checkOpen()
  await connection.call((ticket) => connection.native.removeKey(ticket, removed))
}

module.exports = { addKey, backupOptions, changePassphrase, removeKey, rotateKey }
