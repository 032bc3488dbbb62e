'use strict'

const { ShapeTable } = require('./codec')
const { LodestoreError } = require('./errors')
const { KeyReader } = require('./key-path')

/** What a connection knows of one store, whatever the version of the catalog. */
class StoreState {
  /** A field, so that a setter which Object.prototype may have is not called. */
  id = 0

  /**
   * @param {import('./connection').Connection} connection
   * @param {object} description the store's part of the catalog
   */
  constructor(connection, { id, name, keyPath, autoIncrement, key }) {
    this.connection = connection
    this.id = id
    /** The newest name, for messages. */
    this.name = name
    this.keyPath = keyPath
    /** @type {'sequence' | 'uuidv7' | null} */
    this.generator = autoIncrement ? 'sequence' : (key ?? null)
    this.keyReader = keyPath === null ? null : new KeyReader(keyPath)
    this.encoder = connection.encoder
    this.decoder = connection.decoder
    /** Whether shapes are being registered. */
    this.registering = false
  }

  /** Whether this is the state of the store that a catalog describes so. */
  describes({ keyPath, autoIncrement, key }) {
    return (
      (autoIncrement ? 'sequence' : (key ?? null)) === this.generator &&
      JSON.stringify(keyPath) === JSON.stringify(this.keyPath)
    )
  }

  /** The shapes of its documents, read when they are first needed. */
  get shapes() {
    const value = new ShapeTable({ load: () => this.loadShapes() })
    Object.defineProperty(this, 'shapes', { value })
    this.loadShapes()
    return value
  }

  /**
   * Adds the shapes that were registered, by whomever, to the table: all that documents may name
   * which were read last, or in a pinned snapshot.
   */
  loadShapes() {
    for (const shape of JSON.parse(this.connection.native.shapes(this.id))) {
      this.shapes.add(shape[0], shape.slice(1))
    }
  }

  /**
   * Makes sure that the shapes of what was read last are here: it will be decoded later, when the
   * store may have been deleted, and they with it.
   */
  keepShapes() {
    if (this.connection.native.shapeCount(this.id) > this.shapes.size) this.loadShapes()
  }

  /** The next document of an answer of several, which ends at `limit`. */
  decodeNext(buffer, start, end, limit) {
    try {
      return this.decoder.decodeNext(buffer, start, end, this.shapes, limit)
    } catch (error) {
      throw this.damaged(error)
    }
  }

  /** The document under a key, which is all that is in the buffer up to `end`. */
  decodeUnder(key, buffer, end) {
    try {
      return this.decoder.decode(buffer, 0, end, this.shapes)
    } catch (error) {
      throw this.damaged(error, key)
    }
  }

  /** The error of a document that cannot be decoded, with where it is as far as that is known. */
  damaged(error, key) {
    if (!(error instanceof LodestoreError) || error.code !== 'CORRUPT') return error
    const { message, cause } = error
    const located = new LodestoreError('CORRUPT', message, { cause, store: this.name, key })
    this.connection.reportDamage(located)
    return located
  }

  /**
   * Begins to register the shapes that the encoder has met often, if there are any. Nobody waits
   * for it, and nothing is lost if it fails: documents then carry their field names a while longer.
   */
  registerCandidates() {
    if (this.registering || !this.shapes.hasCandidates) return
    void this.register(this.shapes.takeCandidates())
  }

  /**
   * Registers shapes; never rejects.
   *
   * @param {string[][]} candidates
   */
  async register(candidates) {
    if (candidates.length === 0 || this.connection.mode === 'readOnly') return
    this.registering = true
    try {
      for (const [id, ...names] of await this.connection.registerShapes(this.id, candidates)) {
        this.shapes.add(id, names)
      }
    } catch {
      // The encoder proposes them again when it has met them often enough.
    } finally {
      this.registering = false
    }
  }
}

module.exports = { StoreState }
