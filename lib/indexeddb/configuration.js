'use strict'

const { resolve } = require('node:path')
const {
  anything,
  checkOptions,
  invalidArgument,
  nonEmptyString,
  oneOf,
} = require('../options/check')
const { checkEncryption } = require('../options/encryption')
const { Root } = require('./engine')
const { exception } = require('./exceptions')

const OPTIONS = {
  path: nonEmptyString,
  durability: oneOf('strict', 'relaxed', 'none'),
  encryption: anything,
}

/** @type {Root | null} */
let root = null

/**
 * Says where databases are kept; to be called before the first one is opened.
 *
 * @param {object} options
 * @param {string} options.path
 * @param {'strict' | 'relaxed' | 'none'} [options.durability]
 * @param {object} [options.encryption]
 */
function configure(options) {
  const { path, durability, encryption } = checkOptions('configure', options, OPTIONS)
  if (path === ':memory:') {
    const message = 'configure: path must be a directory; databases of IndexedDB are kept on disk'
    throw invalidArgument(message, 'path')
  }
  root = new Root({
    path: resolve(path),
    durability,
    encryption: encryption === undefined ? undefined : keptOf(encryption),
  })
}

/** What opens databases, checked, and kept: the program may overwrite the bytes of its key. */
function keptOf(encryption) {
  const checked = checkEncryption('configure', encryption)
  const { key } = checked
  return typeof key === 'object' ? { ...checked, key: Uint8Array.from(key) } : checked
}

/** @returns {Root} @throws {DOMException} InvalidStateError if nobody has said where */
function configuredRoot() {
  if (root === null) {
    const path = process.env.LODESTORE_PATH
    if (path === undefined || path === '') {
      throw exception(
        'InvalidStateError',
        'Say where databases are kept: call configure({ path }), or set LODESTORE_PATH',
      )
    }
    configure({ path })
  }
  return root
}

module.exports = { configure, configuredRoot }
