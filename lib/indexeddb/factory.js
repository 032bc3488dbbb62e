'use strict'

const { configuredRoot } = require('./configuration')
const { exceptionOf } = require('./exceptions')
const { compare, toKey } = require('./keys')
const { deleteDatabase, openDatabase } = require('./open-database')
const { Registry } = require('./registry')
const { makeOpenRequest } = require('./request')
const { RequestState } = require('./request-state')
const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDomString,
  toUnsignedLongLong,
} = require('./web-idl')

/** @type {Registry | null} */
let known = null

function registry() {
  const root = configuredRoot()
  if (known?.root !== root) known = new Registry(root)
  return known
}

/** Opens, deletes and lists databases. */
class IDBFactory {
  #brand = true

  constructor() {
    checkInternal(arguments[0], 'IDBFactory')
  }

  /** Opens a database, after an upgrade if its version is lower. */
  open(name, version = undefined) {
    requireArguments(arguments, 1, 'open')
    void this.#brand
    const databaseName = toDomString(name)
    let wanted
    if (version !== undefined) {
      wanted = toUnsignedLongLong(version, 'open: version')
      if (wanted === 0) throw new TypeError('open: version must be greater than 0')
    }
    const request = new RequestState(null, null)
    const face = makeOpenRequest(request)
    const entry = registry().entry(databaseName)
    void entry.enqueue(() => openDatabase(entry, request, databaseName, wanted))
    return face
  }

  /** Deletes a database. */
  deleteDatabase(name) {
    requireArguments(arguments, 1, 'deleteDatabase')
    void this.#brand
    const databaseName = toDomString(name)
    const request = new RequestState(null, null)
    const face = makeOpenRequest(request)
    const entry = registry().entry(databaseName)
    void entry.enqueue(() => deleteDatabase(entry, request))
    return face
  }

  /** The names and versions of the databases. */
  async databases() {
    void this.#brand
    try {
      return await registry().databases()
    } catch (error) {
      throw exceptionOf(error)
    }
  }

  /** Compares two keys. */
  cmp(first, second) {
    requireArguments(arguments, 2, 'cmp')
    void this.#brand
    return compare(toKey(first), toKey(second))
  }
}
defineInterface(IDBFactory)

const indexedDB = new IDBFactory(INTERNAL)

module.exports = { IDBFactory, indexedDB }
