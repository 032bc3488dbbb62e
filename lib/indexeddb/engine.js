'use strict'

const binding = require('../binding')
const { Connection } = require('../connection')
const { decodeInternal } = require('../internal-codec')
const { printReport, receiveEvent } = require('../native-event')
const { withKey } = require('../options/encryption')
const { TransactionSession } = require('../transaction-session')
const { Scheduler } = require('./scheduler')
const { appendSchema } = require('./schema-changes')
const { SchemaLock } = require('./schema-lock')

/** One database as this thread has it open: the storage that its connections share. */
class Engine {
  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection
    this.scheduler = new Scheduler(connection)
    this.lock = new SchemaLock(connection.native)
    /** Whether it can only be closed. */
    this.hasFailed = false
    /** @type {((error: Error) => void) | null} called then */
    this.onFailure = null
    reportEvents(connection, (error) => {
      this.hasFailed = true
      this.onFailure?.(error)
    })
  }

  /**
   * Opens a database, creating it if need be.
   *
   * @param {object} options native ones
   * @returns {Promise<Engine>}
   */
  static async open(options) {
    return new Engine(await connect(options))
  }

  /** Its version; 0 if it has none yet. */
  get version() {
    const { newest } = this.connection
    newest.refreshCatalog()
    return newest.catalog.databaseVersion
  }

  /** Deletes all that is in it, and its version: it is as if it had never been there. */
  async clear() {
    const options = { allowed: null, timeout: 0, idleTimeout: 0 }
    const session = await TransactionSession.begin(this.connection, options, false)
    try {
      for (const { state } of session.catalog.stores.values()) {
        await appendSchema.deleteStore(session.root, { state })
      }
      await appendSchema.setVersion(session.root, 0)
    } catch (error) {
      await session.abandon()
      throw error
    }
    await session.commit()
  }

  async close() {
    this.lock.release()
    await this.connection.close()
  }
}

/** Opens a database; asks for its key first, where a function gives it. */
async function connect({ encryption, ...options }) {
  if (encryption === undefined) return await Connection.open(binding, options)
  const secret = await withKey('configure', encryption)
  return await Connection.open(binding, { ...options, encryption: secret })
}

/**
 * Prints what the native library warns of.
 *
 * @param {Connection} connection
 * @param {(error: Error) => void} onFailure called when it can only be closed
 */
function reportEvents(connection, onFailure) {
  connection.onEvent = (event) => {
    receiveEvent(connection, event, (type, error) => {
      printReport(error)
      if (type === 'error') onFailure(error)
    })
  }
}

/** The database whose spaces the databases of a program are. */
class Root {
  /** @type {Promise<Connection> | null} */
  #connection = null
  /** The end of one that has failed. */
  #left = Promise.resolve()

  /** @param {{ path: string, durability?: string, encryption?: object }} options */
  constructor(options) {
    this.options = options
  }

  /** Opens a database. */
  open(name, mode = 'openOrCreate') {
    return Engine.open({ ...this.options, space: name, mode })
  }

  /** The names of the databases that there are. */
  async names() {
    const connection = await this.#own()
    return decodeInternal(await connection.call((ticket) => connection.native.spaces(ticket)))
  }

  /** The version of a database; 0 if there is none. */
  async versionOf(name) {
    let engine
    try {
      engine = await this.open(name, 'open')
    } catch (error) {
      if (error.code === 'DATABASE_NOT_FOUND') return 0
      throw error
    }
    const { version } = engine
    await engine.close()
    return version
  }

  /** Deletes a database that nobody has open. */
  async delete(name) {
    const connection = await this.#own()
    await connection.call((ticket) => connection.native.deleteSpace(ticket, name))
  }

  #own() {
    const options = { ...this.options, mode: 'openOrCreate' }
    this.#connection ??= this.#connect(options)
    return this.#connection
  }

  async #connect(options) {
    try {
      await this.#left
      const connection = await connect(options)
      reportEvents(connection, () => {
        this.#connection = null
        this.#left = connection.close()
      })
      return connection
    } catch (error) {
      // It may succeed the next time.
      this.#connection = null
      throw error
    }
  }
}

module.exports = { Engine, Root }
