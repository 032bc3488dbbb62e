'use strict'

const { ShapeTable } = require('../codec')
const { KeyReader } = require('../key-path')

/** A store, as a connection and its upgrade know it. */
class StoreInfo {
  constructor({ name, keyPath, autoIncrement }) {
    this.name = name
    /** @type {string | string[] | null} */
    this.keyPath = keyPath
    this.autoIncrement = autoIncrement
    /** Reads keys at once that are plain to see; null if there are none. */
    this.keyReader = keyPath === null || keyPath === '' ? null : new KeyReader(keyPath)
    /** @type {Map<string, IndexInfo>} */
    this.indexes = new Map()
    this.isDeleted = false
    /** What the database knows it by; null until it has been created there. */
    this.state = null
  }

  /** @param {import('../catalog').StoreDefinition} definition */
  static of(definition) {
    const info = new StoreInfo(definition)
    info.state = definition.state
    for (const index of definition.indexes.values()) {
      info.indexes.set(index.name, IndexInfo.of(info, index))
    }
    return info
  }

  /** The shapes to encode documents with: none as long as the store is not there. */
  get shapes() {
    if (this.state !== null) return this.state.shapes
    return new ShapeTable({ load() {} })
  }

  /** It is there no more. */
  discard() {
    this.isDeleted = true
    for (const index of this.indexes.values()) index.isDeleted = true
    this.indexes = new Map()
  }

  /** What an aborted upgrade puts back. */
  save() {
    const { name, isDeleted } = this
    const indexes = [...this.indexes.values()]
    const saved = indexes.map((index) => [index, index.name, index.isDeleted])
    return () => {
      for (const index of this.indexes.values()) index.isDeleted = true
      this.name = name
      this.isDeleted = isDeleted
      this.indexes = new Map()
      for (const [index, indexName, wasDeleted] of saved) {
        index.name = indexName
        index.isDeleted = wasDeleted
        this.indexes.set(indexName, index)
      }
    }
  }
}

/** An index, as a connection and its upgrade know it. */
class IndexInfo {
  constructor(store, { name, keyPath, unique, multiEntry }) {
    this.store = store
    this.name = name
    /** @type {string | string[]} */
    this.keyPath = keyPath
    this.unique = unique
    this.multiEntry = multiEntry
    this.isDeleted = false
    /** The database's id of it; 0 until it has been created there. */
    this.id = 0
  }

  /** @param {import('../catalog').IndexDefinition} definition */
  static of(store, definition) {
    const info = new IndexInfo(store, definition)
    info.id = definition.id
    return info
  }

  /** Its parts, as native indexes have them. */
  get parts() {
    const paths = Array.isArray(this.keyPath) ? this.keyPath : [this.keyPath]
    return paths.map((path) => ({ path, descending: false }))
  }
}

module.exports = { IndexInfo, StoreInfo }
