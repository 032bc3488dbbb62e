'use strict'

// Loaded before everything else (`node --require`), makes the databases that a process creates
// encrypted ones, and opens, restores and repairs them with their key: so tests that know nothing
// of encryption run with it. Databases that are not encrypted, such as fixtures, open as they are.

const care = {
  repair: require('../../lib/care/repair.js'),
  restore: require('../../lib/care/restore.js'),
}
const { Database } = require('../../lib/database.js')
const lodestore = require('../../lib/open.js')

const key = new Uint8Array(32).fill(7)
// What tests look at (sealed.ts); also those that only start processes.
process.env.LODESTORE_TEST_SEALED = '1'

// Options that cannot be options are refused as ever.
const isPlain = (options) =>
  options === undefined || Object.getPrototypeOf(options ?? 0) === Object.prototype

/** A function that is given the key where its caller gives none, unless the database has none. */
function withKey(call) {
  return async (...args) => {
    const options = args.at(-1)
    if (!isPlain(options) || options?.encryption !== undefined) return call(...args)
    try {
      return await call(...args.slice(0, -1), { ...options, encryption: { key } })
    } catch (error) {
      if (error.code !== 'NOT_ENCRYPTED') throw error
      return call(...args)
    }
  }
}

const open = withKey(lodestore.open)
lodestore.open = async (path, options) => open(path, options)
for (const name of ['repair', 'restore']) {
  const call = withKey(care[name][name])
  care[name][name] = async (from, to, options) => call(from, to, options)
}

const { backup } = Database.prototype

// A space is copied alone with a key of its own only.
Database.prototype.backup = function (path, options) {
  if (this.space === undefined || !isPlain(options) || options?.encryption !== undefined) {
    return backup.call(this, path, options)
  }
  return backup.call(this, path, { ...options, encryption: { key } })
}
