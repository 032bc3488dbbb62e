'use strict'

const { INTERNAL, checkInternal, defineInterface } = require('./web-idl')

/** A record of a store or index. */
class IDBRecord {
  #row

  constructor() {
    checkInternal(arguments[0], 'IDBRecord')
    this.#row = arguments[1]
  }

  /** The key: in an index, the index key. */
  get key() {
    return this.#row.key
  }

  /** The key in the store. */
  get primaryKey() {
    return this.#row.primaryKey
  }

  /** The value in the store. */
  get value() {
    return this.#row.value
  }
}
defineInterface(IDBRecord)

/** @param {{ key: unknown, primaryKey: unknown, value: unknown }} row */
function makeRecord(row) {
  return new IDBRecord(INTERNAL, row)
}

module.exports = { IDBRecord, makeRecord }
