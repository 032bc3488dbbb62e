'use strict'

const { Pacer, nextTurn, paced } = require('./pace')
const { ask, askAside, askNow, unlessExpired } = require('./reads')
const { SCAN } = require('./read-request')
const { RowChunk } = require('./row-chunk')

/** What the first answer may hold: it is read on this thread. */
const FIRST_ROWS = 256
const FIRST_BYTES = 64 << 10
/** What each further answer may hold: they are read off this thread. */
const ROWS = 1000
const BYTES = 1 << 20
/** Rows of the first answer inside an interactive transaction; each next one has twice as many. */
const FIRST_TRANSACTION_ROWS = 128

/** Lets go of the snapshots of scans that nobody finished. */
const leaked = new FinalizationRegistry(({ connection, snapshot }) => connection.unpin(snapshot))

/**
 * The rows of a scan, a chunk at a time, all of one state (inside an interactive transaction: of
 * the transaction as each chunk finds it).
 *
 * The first chunk is small and read on this thread. Only a scan that goes on pins a snapshot.
 */
class ChunkSource {
  /**
   * @param {object} scope
   * @param {import('./scan-plan').ScanPlan} plan
   */
  constructor(scope, plan) {
    this.scope = scope
    this.plan = plan
    /** Rows that may still be read. */
    this.left = plan.limit === 0 ? Infinity : plan.limit
    this.resume = null
    this.resumeFlags = 0
    this.ended = false
    this.begun = false
    /** A snapshot of our own, or 0. */
    this.pinned = 0
    this.rows = scope.interactive ? FIRST_TRANSACTION_ROWS : ROWS
  }

  /** Whether reading may go on. @throws {LodestoreError} CLOSED, TX_INACTIVE */
  checkOpen() {
    this.scope.checkOpen()
  }

  /**
   * The first rows.
   *
   * @returns {RowChunk | Promise<RowChunk>} a chunk that is not a promise reads from memory that
   *   the next call of the connection overwrites
   */
  first() {
    const { scope } = this
    this.begun = true
    if (scope.interactive) return this.next()
    scope.connection.checkOpen()
    return this.firstOf(scope)
  }

  firstOf(view) {
    const length = askNow(view, (writer) => this.write(writer, FIRST_ROWS, FIRST_BYTES))
    return this.took(new RowChunk(view.memory.out, length, this.plan))
  }

  /** The next rows, or null if there are none. @returns {Promise<RowChunk | null>} */
  async next() {
    if (this.ended) return null
    const { scope, plan } = this
    const { rows } = this
    this.rows = Math.min(ROWS, rows * 2)
    const write = (writer) => this.write(writer, rows, BYTES)
    const bytes = this.resume === null ? plan.bytes : 0
    const answer = scope.interactive
      ? await ask(scope.current(), write)
      : await askAside(scope.connection, this.pinned || scope.snapshot, write, bytes)
    return this.took(new RowChunk(answer, answer.length, plan))
  }

  write(writer, rows, bytes) {
    const { plan, resume, resumeFlags, left } = this
    plan.write(writer, Math.min(rows, left), bytes, resume, resumeFlags)
  }

  took(chunk) {
    this.left -= chunk.rows
    this.ended = chunk.done || this.left <= 0
    if (!this.ended) {
      this.resume = chunk.resume()
      this.resumeFlags = 0
    }
    return chunk
  }

  /**
   * Makes sure that further chunks see the state of the first one. To be called before anything
   * else is read.
   *
   * @param {object} owner what keeps the snapshot: it is let go when the owner is collected
   * @param {boolean} [always] even if the first chunk was the last
   * @returns {RowChunk | null} the first rows again, if the state had changed in between
   */
  pin(owner, always = false) {
    const { scope } = this
    if ((this.ended && !always) || scope.interactive || scope.snapshot !== 0) return null
    const { memory } = scope.connection
    const transactionId = memory.transactionIdOf(0)
    this.hold(owner)
    if (memory.transactionIdOf(this.pinned) === transactionId) return null
    return this.again({ memory, snapshot: this.pinned })
  }

  /** Pins the newest state. */
  hold(owner) {
    const { connection } = this.scope
    this.pinned = connection.pin()
    leaked.register(owner, { connection, snapshot: this.pinned }, this)
  }

  /** The first rows again, from another state. */
  again(view) {
    this.restart()
    return this.firstOf(view)
  }

  /** The first rows again, off this thread, in the newest state. @returns {Promise<RowChunk>} */
  renew(owner) {
    this.cancel()
    this.letGo()
    this.hold(owner)
    this.restart()
    return this.next()
  }

  /** What comes next is the first row. */
  restart() {
    const { limit } = this.plan
    this.left = limit === 0 ? Infinity : limit
    this.resume = null
    this.ended = false
  }

  /** Names what keeps the source: what it holds is let go when that is collected. */
  ownedBy(_owner) {}

  /** Stops a read that is under way, if that is possible. */
  cancel() {}

  /** Continues from a point among the entries instead of behind the last chunk; see BEGIN_AT. */
  continueFrom(point) {
    this.resume = point
    this.resumeFlags = SCAN.BEGIN_AT
    this.ended = false
  }

  close() {
    this.ended = true
    this.letGo()
  }

  /** Lets go of the snapshot. */
  letGo() {
    if (this.pinned === 0) return
    leaked.unregister(this)
    this.scope.connection.unpin(this.pinned)
    this.pinned = 0
  }
}

/**
 * Reads all rows of a scan. What does not fit into the first answer is read off this thread, while
 * the rows before it are decoded here.
 *
 * @template T
 * @param {object} scope
 * @param {import('./scan-plan').ScanPlan} plan
 * @param {(chunk: RowChunk) => T} read reads the next row
 * @returns {T[] | Promise<T[]>}
 */
function collect(scope, plan, read) {
  return collectRows(new ChunkSource(scope, plan), read)
}

/**
 * Reads all rows of a source; see `collect`. Rows are read again from the first one on if the state
 * that they were read from has to give way.
 *
 * @template T
 * @param {ChunkSource} source
 * @param {(chunk: RowChunk) => T} read reads the next row
 * @returns {T[] | Promise<T[]>}
 */
function collectRows(source, read) {
  const first = source.first()
  if (!source.ended || !(first instanceof RowChunk)) return collectFrom(source, first, read)
  const rows = []
  takeRows(first, rows, read)
  return paced(rows)
}

async function collectFrom(source, first, read) {
  try {
    let chunk = first instanceof RowChunk ? (source.pin(source) ?? first).detach() : first
    if (source.pinned === 0) return await takeAll(source, chunk, read)
    return await unlessExpired(() => {
      const begun = chunk ?? source.renew(source)
      chunk = null
      return takeAll(source, begun, read)
    })
  } finally {
    source.close()
  }
}

/** Reads the rows of a source from its first chunk, or a promise of it, on. */
async function takeAll(source, first, read) {
  const [rows, pacer] = [[], new Pacer()]
  let chunk = await first
  while (!source.ended) {
    const next = source.next()
    // A failure is reported when the rows before it are done.
    next.catch(nothing)
    await takeRowsPaced(chunk, rows, read, pacer)
    chunk = await next
  }
  await takeRowsPaced(chunk, rows, read, pacer)
  return rows
}

function takeRows(chunk, rows, read) {
  while (chunk.left > 0) rows.push(read(chunk))
}

async function takeRowsPaced(chunk, rows, read, pacer) {
  while (chunk.left > 0) {
    if (pacer.isDue()) await nextTurn()
    rows.push(read(chunk))
  }
}

function nothing() {}

module.exports = { ChunkSource, collect, collectRows }
