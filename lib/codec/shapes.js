'use strict'

const { LodestoreError } = require('../errors')
const { ShapeTrie } = require('./shape-trie')
const { makeReader, codegenAllowed } = require('./readers')
const { MAX_SHAPES, MAX_SHAPE_FIELDS } = require('./tags')
const { walkKeyLists } = require('./sample')

/** Sightings after which a key list is proposed, while the table is nearly empty. */
const SIGHTINGS = 3
/** Sightings after which a proposed key list that was not registered is proposed again. */
const SIGHTINGS_AGAIN = 1000
/** Key lists that wait to be taken. */
const MAX_WAITING = 1000

/**
 * The shapes of one store: key lists with the ids that documents name them by.
 *
 * Ids are given by the writer and never reused. The encoder counts the key lists it meets that
 * have no id; those seen often enough wait in `takeCandidates()` to be registered.
 */
class ShapeTable {
  /**
   * @param {object} options
   * @param {() => void} options.load reloads the store's table and calls `add` for each shape;
   *   called when a document names an id that is not here
   * @param {boolean} [options.codegen] false: no reader is generated with `new Function`. Nor is
   *   one where that is forbidden, or LODESTORE_CODEGEN is 0
   */
  constructor({ load, codegen = true }) {
    this.load = load
    this.codegen = codegen
    this.trie = new ShapeTrie()
    /** Functions that read an object of a shape, by id; holes for ids not loaded. */
    this.readers = []
    /** @type {string[][]} */
    this.names = []
    this.count = 0
    /** @type {string[][]} */
    this.waiting = []
  }

  /** Whether readers may be generated: asked when one would be. */
  mayGenerate() {
    return this.codegen && codegenAllowed()
  }

  /** The number of shapes. */
  get size() {
    return this.count
  }

  /**
   * Adds a registered shape. Adding it again changes nothing.
   *
   * @param {number} id 0 to 7,999
   * @param {string[]} names
   * @throws {LodestoreError} CORRUPT if the id has other names, or the shape is not possible
   */
  add(id, names) {
    const known = this.names[id]
    if (known !== undefined) {
      if (known.length === names.length && known.every((name, i) => name === names[i])) return
      throw new LodestoreError('CORRUPT', `Shape ${id} has two different lists of fields`)
    }
    if (!(Number.isInteger(id) && id >= 0 && id < MAX_SHAPES)) {
      throw new LodestoreError('CORRUPT', `There is no shape id ${id}`)
    }
    if (names.length === 0 || names.length > MAX_SHAPE_FIELDS) {
      throw new LodestoreError('CORRUPT', `Shape ${id} has ${names.length} fields`)
    }
    if (new Set(names).size !== names.length) {
      throw new LodestoreError('CORRUPT', `Shape ${id} names a field twice`)
    }
    const copy = Object.freeze([...names])
    this.names[id] = copy
    this.readers[id] = makeReader(this, id, copy)
    this.count++
    this.trie.register(id, copy)
  }

  /**
   * The key lists seen often enough to be registered, which are then forgotten here.
   *
   * @returns {string[][]}
   */
  takeCandidates() {
    const taken = this.waiting
    if (taken.length > 0) this.waiting = []
    return taken
  }

  /** Whether `takeCandidates()` would return something. */
  get hasCandidates() {
    return this.waiting.length > 0
  }

  /**
   * Counts the key lists in values that are about to be stored, nested ones included, and returns
   * those seen often enough to be registered first. Values are looked at, not encoded.
   *
   * @param {Iterable<unknown>} values about 200 are enough
   * @param {{ path: string[] } | null} [inject] as for `DocumentEncoder.encode`
   * @returns {string[][]}
   */
  sample(values, inject = null) {
    walkKeyLists(values, inject, (keys) => this.sight(keys))
    return this.takeCandidates()
  }

  /**
   * Counts one sighting of a key list.
   *
   * @param {string[]} keys
   * @returns {import('./shape-trie').ShapeNode | null} its node; `null` for lists that are no shape
   */
  sight(keys) {
    const node = this.trie.insert(keys)
    if (node === null || node.id >= 0) return node
    node.sightings++
    if (node.sightings >= this.sightingsNeeded() && this.waiting.length < MAX_WAITING) {
      if (this.count < MAX_SHAPES) this.waiting.push([...keys])
      node.sightings = this.sightingsNeeded() - SIGHTINGS_AGAIN
    }
    return node
  }

  /** The fuller the table, the more often a key list must be seen. */
  sightingsNeeded() {
    return SIGHTINGS << (this.count >> 10)
  }

  /** The reader of a shape id that is not here: reloads the table once. */
  missingReader(id) {
    if (id < MAX_SHAPES) this.load()
    const reader = this.readers[id]
    if (reader === undefined) {
      throw new LodestoreError('CORRUPT', `A document names the shape ${id}, which does not exist`)
    }
    return reader
  }
}

module.exports = { ShapeTable }
