'use strict'

const {
  INTERNAL,
  checkInternal,
  defineInterface,
  requireArguments,
  toDomString,
} = require('./web-idl')

/** A sorted list of names. */
class DOMStringList {
  #names

  constructor() {
    checkInternal(arguments[0], 'DOMStringList')
    const names = [...arguments[1]].sort(byCodeUnits)
    this.#names = names
    for (let i = 0; i < names.length; i++) {
      const element = { value: names[i], enumerable: true, configurable: true }
      Object.defineProperty(this, i, element)
    }
  }

  get length() {
    return this.#names.length
  }

  item(index) {
    requireArguments(arguments, 1, 'item')
    return this.#names[Number(index) >>> 0] ?? null
  }

  contains(string) {
    requireArguments(arguments, 1, 'contains')
    return this.#names.includes(toDomString(string))
  }
}
defineInterface(DOMStringList)
Object.defineProperty(DOMStringList.prototype, Symbol.iterator, {
  value: Array.prototype[Symbol.iterator],
  writable: true,
  configurable: true,
})

function byCodeUnits(a, b) {
  if (a < b) return -1
  return a > b ? 1 : 0
}

/** @param {Iterable<string>} names */
function stringList(names) {
  return new DOMStringList(INTERNAL, names)
}

module.exports = { DOMStringList, stringList }
