'use strict'

const { decodeInternal } = require('./internal-codec')
const { ENTRIES, KEYS, Source, VALUES } = require('./source')

/** An index of a store: its documents in the order of the index's keys. */
class Index {
  #storeName
  #name
  #resolve
  #source
  #cursorWrites

  constructor(storeName, name, resolve, cursorWrites) {
    this.#storeName = storeName
    this.#name = name
    this.#resolve = resolve
    this.#source = new Source(resolve, true)
    this.#cursorWrites = cursorWrites
  }

  /** The index's name. */
  get name() {
    return this.#name
  }

  /** The name of the store. */
  get storeName() {
    return this.#storeName
  }

  /** What is indexed: a key path or several, descending ones with a minus. */
  get on() {
    return this.#resolve().index.on
  }

  /** Whether no two documents may share a key. */
  get unique() {
    return this.#resolve().index.unique
  }

  /** Whether each element of an array is indexed. */
  get multiEntry() {
    return this.#resolve().index.multiEntry
  }

  /** Whether documents without the indexed fields are left out. */
  get sparse() {
    return this.#resolve().index.sparse
  }

  /** The filter whose documents a partial index has, or null. */
  get where() {
    const { where } = this.#resolve().index
    return where === null ? null : decodeInternal(where)
  }

  /** The order of its strings with all its settings, or null. */
  get collation() {
    const { collation } = this.#resolve().index
    return collation === null ? null : { ...collation }
  }

  /** 'ready', or 'building' while it cannot be read. */
  get state() {
    return this.#resolve().index.state
  }

  /** The first document of a key or range, or undefined. */
  get(query) {
    return this.#source.first(VALUES, query)
  }

  /** The primary key of the first document of a key or range, or undefined. */
  getKey(query) {
    return this.#source.firstKey(query)
  }

  /** The documents of a key or range, in an array. */
  getAll(query, options) {
    return this.#source.all('getAll', VALUES, query, options)
  }

  /** The primary keys of a key or range, in an array. */
  getAllKeys(query, options) {
    return this.#source.all('getAllKeys', KEYS, query, options)
  }

  /** How many entries there are, in all or of a key or range. */
  count(query) {
    return this.#source.count(query)
  }

  /** The documents of a range, to iterate over. */
  range(query, options) {
    return this.#source.scan('range', VALUES, query, options)
  }

  /** The primary keys of a range, to iterate over. */
  keys(query, options) {
    return this.#source.scan('keys', KEYS, query, options)
  }

  /** Index keys, primary keys and documents of a range, to iterate over. */
  entries(query, options) {
    return this.#source.scan('entries', ENTRIES, query, options)
  }

  [Symbol.asyncIterator]() {
    return this.range()[Symbol.asyncIterator]()
  }

  /** A cursor before the first entry of a range. */
  openCursor(query, options) {
    return this.#source.cursor(query, options, this.#cursorWrites())
  }
}

module.exports = { Index }
