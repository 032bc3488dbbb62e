'use strict'

const { SCAN } = require('../read-request')
const {
  RETURNS,
  encodeLong,
  encodePaced,
  encodeQuery,
  encodedText,
  writeEncoded,
  writeNext,
  writeQuery,
} = require('./request')

/** Parts of the rows, by what a query returns, as `RowChunk` is told. */
const PARTS = {
  [RETURNS.KEYS]: SCAN.KEYS,
  [RETURNS.ENTRIES]: SCAN.KEYS | SCAN.VALUES,
}

/** How many parts a row has, where it has several. */
const PART_COUNTS = { [RETURNS.ENTRIES]: 2, [RETURNS.NEAREST]: 3 }

/** A query that takes more bytes may take long on its first document. */
const SHORT_BYTES = 4096

/** In expressions, by these a few bytes ask for seconds of work on one document. */
const LOOPS = /\$(?:map|filter|reduce|range|let)/

/** Whether there is a field `$expr` somewhere in plain data. */
function hasExpression(value) {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (Array.isArray(value)) return value.some(hasExpression)
  for (const name in value) {
    if (name === '$expr' || hasExpression(value[name])) return true
  }
  return false
}

/** Whether a query, which was encoded last, has expressions with loops, or something like them. */
function mayLoop(query) {
  return (query.pipeline !== undefined || hasExpression(query)) && LOOPS.test(encodedText())
}

/** Whether there is a search in a filter, where one may stand. */
function searches(filter) {
  if (typeof filter !== 'object' || filter === null) return false
  if (Object.hasOwn(filter, '$vector')) return true
  return Array.isArray(filter.$and) && filter.$and.some(searches)
}

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
    /** The bytes of a long query, when it is encoded. */
    this.encoded = null
    /** Whether a long query is still to be encoded. */
    this.isPending = length === Infinity
    /** Whether it may be begun on this thread. */
    this.isShort = length <= SHORT_BYTES && !mayLoop(query) && query.nearest?.vectors === undefined
    this.flags = PARTS[query.returns] ?? SCAN.VALUES
    /** Whether rows with keys have what a search found, too. */
    this.isSearch = query.returns === RETURNS.ENTRIES && searches(query.filter)
    /** How many parts a row has. */
    this.parts = this.isSearch ? PART_COUNTS[RETURNS.NEAREST] : (PART_COUNTS[query.returns] ?? 1)
    /** Limits stand in the request. */
    this.limit = 0
  }

  /** How many bytes a request with a long query takes, about. */
  get bytes() {
    return this.encoded === null ? 0 : this.encoded.length
  }

  /** Encodes what is long, at once. */
  encodeNow() {
    if (!this.isPending) return
    this.encoded = encodeLong(this.query)
    this.isPending = false
  }

  /**
   * Encodes what is long, in pieces.
   *
   * @param {() => void} check called between them; what it throws ends the work
   */
  async encode(check) {
    this.encoded = await encodePaced(this.query, check)
    this.isPending = false
  }

  /**
   * Writes the request for the first or the next rows.
   *
   * @param {import('../codec').WriteBuffer} writer
   * @param {{ rows: number, bytes: number, budget: number }} most
   * @param {Buffer | null} execution the query that goes on, or null to begin
   */
  write(writer, most, execution) {
    const { state, query, encoding, encoded } = this
    if (execution !== null) writeNext(writer, state.id, most, execution)
    else if (encoded !== null) writeEncoded(writer, state.id, most, encoded)
    else writeQuery(writer, state.id, most, query, encoding)
  }
}

module.exports = { QueryPlan }
