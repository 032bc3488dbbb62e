'use strict'

const { resolve } = require('node:path')
const { checkPath, checkReplace } = require('../options/care')
const { checkEncryption, withKey } = require('../options/encryption')
const { verifyReport } = require('./report')
const { work } = require('./work')

/** Encrypts a database that is not open. */
async function encrypt(path, options) {
  return await reencrypt('encrypt', path, options)
}

/** Decrypts a database that is not open. */
async function decrypt(path, options) {
  return await reencrypt('decrypt', path, options)
}

async function reencrypt(method, path, options) {
  const target = resolve(checkPath(method, path, 'path'))
  const { encryption, onProgress, signal } = checkReplace(method, options)
  const secret = await withKey(method, checkEncryption(method, encryption))
  const begun = performance.now()
  const payload = await work((native) => native.reencrypt(target, secret, method === 'encrypt'), {
    onProgress,
    signal,
  })
  return verifyReport(payload, 'full', begun)
}

module.exports = { decrypt, encrypt }
