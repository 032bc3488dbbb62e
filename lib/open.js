'use strict'

const binding = require('./binding')
const { Connection } = require('./connection')
const { Database } = require('./database')
const { withKey } = require('./options/encryption')
const { checkOpen } = require('./options/open')
const { createMissing } = require('./schema')

/**
 * Opens a database, or a space of one.
 *
 * @param {string} path its directory, or ':memory:'
 * @param {object} [options] see index.d.ts
 * @returns {Promise<Database>}
 */
const open = /** @satisfies {Function} in parentheses: compiled with the module */ (
  async function (path, options) {
    const { native, stores, encryption, onIntegrityError } = checkOpen(path, options)
    if (encryption !== undefined) {
      // Where nothing is asked for, nothing is waited for.
      const isAsked = typeof encryption.key === 'function'
      native.encryption = isAsked ? await withKey('open', encryption) : encryption
    }
    const connection = await Connection.open(binding, native)
    connection.onIntegrityError = onIntegrityError ?? null
    try {
      await createMissing(connection, stores)
    } catch (error) {
      await connection.close()
      throw error
    }
    return new Database(connection)
  }
)

module.exports = { open }
