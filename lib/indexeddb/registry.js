'use strict'

const { Promise } = require('../globals')
const { versionEvent } = require('./fire')
const { queueTask } = require('./tasks')

/** The databases of one root as this thread knows them, by name. */
class Registry {
  /** @type {Map<string, Entry>} */
  #entries = new Map()

  /** @param {import('./engine').Root} root */
  constructor(root) {
    this.root = root
  }

  /** @param {string} name */
  entry(name) {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = new Entry(this.root, name, (unused) => this.#forget(name, unused))
      this.#entries.set(name, entry)
    }
    return entry
  }

  /** An entry is not used any more; another one may have taken its place. */
  #forget(name, entry) {
    if (this.#entries.get(name) === entry) this.#entries.delete(name)
  }

  /** The names and versions of the databases. */
  async databases() {
    // An upgrade may be committed before its database is looked at.
    const before = new Map()
    for (const [name, { upgradedFrom }] of this.#entries) {
      if (upgradedFrom !== null) before.set(name, upgradedFrom)
    }
    const names = await this.root.names()
    const versions = await Promise.all(
      names.map((name) => before.get(name) ?? this.root.versionOf(name)),
    )
    return names
      .map((name, i) => ({ name, version: versions[i] }))
      .filter(({ version }) => version > 0)
  }
}

/** One database: who has it open, and who wants to open or delete it. */
class Entry {
  #root
  #name
  #forget
  /** The end of the last request to open or delete it. */
  #last = Promise.resolve()
  #waiting = 0
  /** @type {import('./engine').Engine | null} */
  #engine = null
  /** The end of one that has failed. */
  #failed = Promise.resolve()

  constructor(root, name, forget) {
    this.#root = root
    this.#name = name
    this.#forget = forget
    /** @type {Set<import('./database-state').DatabaseState>} those that are not closed */
    this.connections = new Set()
    /** The version before the upgrade that is running; null if none is. */
    this.upgradedFrom = null
    /** Called when one of them is closed. */
    this.onClosed = null
  }

  /**
   * Runs a request when those before it have ended.
   *
   * @template T
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  enqueue(run) {
    this.#waiting++
    const result = this.#last.then(run).finally(() => this.#ended())
    this.#last = result.then(nothing, nothing)
    return result
  }

  async #ended() {
    this.#waiting--
    await this.#closeIfUnused()
  }

  async #closeIfUnused() {
    if (!this.#isUnused) return
    try {
      await this.closeEngine()
    } finally {
      // Who comes meanwhile finds what is being closed, and waits for it if need be.
      if (this.#isUnused) this.#forget(this)
    }
  }

  get #isUnused() {
    return this.#waiting === 0 && this.connections.size === 0
  }

  /** The storage, opened. */
  async engine(mode) {
    if (this.#engine?.hasFailed) {
      await this.allClosed()
      await this.closeEngine()
    }
    // What has failed is of no use as long as it is open anywhere in the process.
    await this.#failed
    if (this.#engine === null) {
      const engine = await this.#root.open(this.#name, mode)
      engine.onFailure = (error) => {
        for (const each of this.connections) each.closeByForce(error)
      }
      this.#engine = engine
    }
    return this.#engine
  }

  async closeEngine() {
    const engine = this.#engine
    this.#engine = null
    const closed = engine?.close()
    if (engine?.hasFailed) this.#failed = closed.catch(nothing)
    await closed
  }

  /**
   * Deletes the storage, unless others have it open.
   *
   * @returns {Promise<boolean>} whether it is gone
   */
  async remove() {
    await this.closeEngine()
    try {
      await this.#root.delete(this.#name)
    } catch (error) {
      if (error.code === 'BUSY') return false
      exceptNotFound(error)
    }
    return true
  }

  /** Tells the open connections of what other threads and processes want. */
  watch({ lock }) {
    lock.watch(({ oldVersion, newVersion }) => {
      for (const each of this.connections) {
        if (newVersion !== null && newVersion <= each.version) continue
        const event = versionEvent('versionchange', oldVersion, newVersion)
        queueTask((done) => each.tell(event, done))
      }
    })
  }

  /** Takes a connection that was opened. */
  add(database) {
    this.connections.add(database)
    database.onClosed = () => {
      this.connections.delete(database)
      this.onClosed?.()
      if (this.connections.size === 0) this.#engine?.lock.release()
      // Who has closed a database may delete its files at once.
      this.#closeIfUnused().catch(exceptNotFound)
    }
  }

  /** Whether a connection stays open until its program closes it. */
  isBlocked() {
    return [...this.connections].some((each) => !each.isClosePending)
  }

  /** Resolves when no connection is open. */
  async allClosed() {
    while (this.connections.size > 0) {
      await new Promise((resolve) => {
        this.onClosed = resolve
      })
    }
    this.onClosed = null
  }
}

function nothing() {}

/** Throws an error again, unless it says that the database is not there any more. */
function exceptNotFound(error) {
  if (error.code !== 'DATABASE_NOT_FOUND') throw error
}

module.exports = { Registry }
