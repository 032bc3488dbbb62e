'use strict'

// Loaded before everything else (`node --require`), makes the databases that a process creates
// encrypted ones, and opens them again: so tests that know nothing of encryption run with it.
// Databases that are not encrypted, such as fixtures, open as they are.

const { Database } = require('../../lib/database.js')
const lodestore = require('../../lib/open.js')

const { open } = lodestore
const key = new Uint8Array(32).fill(7)

lodestore.open = async (path, options) => {
  // Options that cannot be options are refused as ever.
  const isPlain = options === undefined || Object.getPrototypeOf(options ?? 0) === Object.prototype
  if (!isPlain || options?.encryption !== undefined) return open(path, options)
  try {
    return await open(path, { ...options, encryption: { key } })
  } catch (error) {
    if (error.code !== 'NOT_ENCRYPTED') throw error
    return open(path, options)
  }
}

const { backup } = Database.prototype

// A space is copied alone with a key of its own only.
Database.prototype.backup = function (path, options) {
  const isPlain = options === undefined || Object.getPrototypeOf(options ?? 0) === Object.prototype
  if (this.space === undefined || !isPlain || options?.encryption !== undefined) {
    return backup.call(this, path, options)
  }
  return backup.call(this, path, { ...options, encryption: { key } })
}
