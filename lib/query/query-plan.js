'use strict'

const { SCAN } = require('../read-request')
const { RETURNS, encodeQuery, writeNext, writeQuery } = require('./request')

/** Parts of the rows, by what a query returns, as `RowChunk` is told. */
const PARTS = {
  [RETURNS.KEYS]: SCAN.KEYS,
  [RETURNS.ENTRIES]: SCAN.KEYS | SCAN.VALUES,
}

/** A query that takes more bytes may take long on its first document. */
const SHORT_BYTES = 4096

/** What a query asks for: the plan of a scan whose rows the native library finds. */
class QueryPlan {
  /**
   * @param {import('../store-state').StoreState} state
   * @param {object} query the request, with `returns`
   */
  constructor(state, query) {
    this.state = state
    this.query = query
    const { encoding, length } = encodeQuery(query)
    this.encoding = encoding
    /** Whether it may be begun on this thread. */
    this.isShort = length <= SHORT_BYTES
    this.flags = PARTS[query.returns] ?? SCAN.VALUES
    /** How many parts a row has. */
    this.parts = query.returns === RETURNS.ENTRIES ? 2 : 1
    /** Limits stand in the request. */
    this.limit = 0
  }

  /**
   * Writes the request for the first or the next rows.
   *
   * @param {import('../codec').WriteBuffer} writer
   * @param {{ rows: number, bytes: number, budget: number }} most
   * @param {Buffer | null} execution the query that goes on, or null to begin
   */
  write(writer, most, execution) {
    const { state, query, encoding } = this
    if (execution === null) writeQuery(writer, state.id, most, query, encoding)
    else writeNext(writer, state.id, most, execution)
  }
}

module.exports = { QueryPlan }
