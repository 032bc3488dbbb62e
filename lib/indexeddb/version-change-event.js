'use strict'

const { defineInterface, requireArguments, toDictionary } = require('./web-idl')

/** The version of a database changes, or is wanted to. */
class IDBVersionChangeEvent extends Event {
  #oldVersion
  #newVersion

  constructor(type, eventInitDict = {}) {
    requireArguments(arguments, 1, 'IDBVersionChangeEvent')
    const init = toDictionary(eventInitDict, 'eventInitDict')
    super(type, init)
    const { newVersion = null, oldVersion = 0 } = init
    this.#oldVersion = toVersion(oldVersion)
    this.#newVersion = newVersion === null ? null : toVersion(newVersion)
  }

  /** The version before. */
  get oldVersion() {
    return this.#oldVersion
  }

  /** The version to come; null if the database is being deleted. */
  get newVersion() {
    return this.#newVersion
  }
}
defineInterface(IDBVersionChangeEvent)

/** `unsigned long long`, which wraps around. */
function toVersion(value) {
  const number = Math.trunc(Number(value))
  if (!Number.isFinite(number)) return 0
  return Number(BigInt.asUintN(64, BigInt(number)))
}

module.exports = { IDBVersionChangeEvent }
