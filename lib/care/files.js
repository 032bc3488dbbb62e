'use strict'

const { readdir, stat } = require('node:fs/promises')
const { join, resolve } = require('node:path')
const { LodestoreError } = require('../errors')
const { fileError } = require('../exchange/file-error')
const { checkPath } = require('../options/care')

/** The files of a database, and what they are for. */
const ROLES = Object.freeze({
  'data.mdb': 'data',
  'data.journal': 'data',
  'lock.mdb': 'lock',
  'lodestore.lock': 'lock',
  'lodestore.turn': 'lock',
  'lodestore.unsynced': 'lock',
  'schema.lock': 'lock',
  'schema.note': 'lock',
})

/**
 * Lists the files that belong to a database, its spaces included. Locks, and graphs of vector
 * indexes, are made again when they are missing.
 *
 * @param {string} path
 * @returns {Promise<
 *   { path: string, size: number, role: 'data' | 'lock' | 'graph' | 'leftover' }[]
 * >}
 */
async function files(path) {
  checkPath('files', path, 'path')
  const directory = resolve(path)
  const found = await filesOf(directory)
  if (found.some(({ role }) => role === 'data')) return found
  throw new LodestoreError('DATABASE_NOT_FOUND', `there is no database at ${directory}`, {
    path: directory,
  })
}

async function filesOf(directory) {
  const found = []
  for (const entry of await entriesOf(directory)) {
    const path = join(directory, entry.name)
    if (entry.isFile() && Object.hasOwn(ROLES, entry.name)) {
      found.push(...(await fileAt(path, ROLES[entry.name])))
    } else if (entry.isDirectory() && entry.name === 'spaces') {
      for (const space of await entriesOf(path)) {
        if (space.isDirectory()) found.push(...(await filesOf(join(path, space.name))))
      }
    } else if (entry.isDirectory() && entry.name === 'vectors') {
      for (const { name } of await entriesOf(path)) {
        const role = name === 'lock' ? 'lock' : name.endsWith('.graph') ? 'graph' : undefined
        if (role !== undefined) found.push(...(await fileAt(join(path, name), role)))
      }
    } else if (entry.isDirectory() && /^(compact|restore)-[0-9a-f]{32}$/.test(entry.name)) {
      for (const left of await filesOf(path)) found.push({ ...left, role: 'leftover' })
    }
  }
  return found
}

async function entriesOf(directory) {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw fileError(error, `cannot list '${directory}'`)
  }
}

/** The file at a path; none if it is gone by now. */
async function fileAt(path, role) {
  try {
    const { size } = await stat(path)
    return [{ path, size, role }]
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw fileError(error, `cannot look at '${path}'`)
  }
}

module.exports = { files }
