'use strict'

const { collect } = require('./chunk-source')
const { Cursor } = require('./cursor')
const { boolean, checkOptions, oneOf } = require('./options/check')
const { splitQuery } = require('./options/query')
const { rangeOf } = require('./range')
const { SCAN } = require('./read-request')
const reads = require('./reads')
const { ENTRIES, KEYS, Scan, VALUES } = require('./scan')
const { ScanPlan } = require('./scan-plan')

const CURSOR_OPTIONS = {
  direction: oneOf('next', 'nextunique', 'prev', 'prevunique'),
  values: boolean,
}

/**
 * What can be read in order: a store or an index. The public classes check nothing themselves and
 * leave the reading to this.
 */
class Source {
  /**
   * @param {() => { scope: object, state: object, index: object | null }} resolve finds out, for
   *   each call, what to read and in which view
   * @param {boolean} inIndex
   */
  constructor(resolve, inIndex) {
    this.resolve = resolve
    this.inIndex = inIndex
  }

  /**
   * Plans a read.
   *
   * @param {{ query: unknown, options: object }} split what `splitQuery` gives
   * @returns {(selection: object) => { scope: object, plan: ScanPlan }}
   */
  prepare({ query, options }) {
    const { inIndex } = this
    const range = rangeOf(query, inIndex)
    const { reverse = false, limit = 0, offset = 0, unique = false } = options
    const order = (reverse ? SCAN.REVERSE : 0) | (unique ? SCAN.UNIQUE : 0)
    return (selection) => {
      const { scope, state, index } = this.resolve()
      const flags = order | (inIndex ? selection.index : selection.store)
      return { scope, plan: new ScanPlan(state, idOf(index), flags, range, limit, offset) }
    }
  }

  /** All rows of a query. @returns {Promise<unknown[]>} */
  async all(method, selection, query, options) {
    const split = splitQuery(method, query, options, this.inIndex)
    const { scope, plan } = this.prepare(split)(selection)
    return split.options.limit === 0 ? [] : collect(scope, plan, selection.read)
  }

  /** The first row of a query. @returns {Promise<unknown>} */
  async first(selection, query) {
    const range = rangeOf(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    const flags = this.inIndex ? selection.index : selection.store
    const plan = new ScanPlan(state, idOf(index), flags, range, 1)
    const rows = collect(scope, plan, selection.read)
    return Array.isArray(rows) ? rows[0] : (await rows)[0]
  }

  /** An iterable over the rows of a query. */
  scan(method, selection, query, options) {
    const split = splitQuery(method, query, options, this.inIndex)
    return new Scan(this.prepare(split), selection, split.options.limit === 0)
  }

  /** @returns {Promise<number>} */
  async count(query) {
    const range = rangeOf(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    return reads.count(scope, { state, indexId: idOf(index), range })
  }

  /** The primary key of the first row of a query. @returns {Promise<unknown>} */
  async firstKey(query) {
    const range = rangeOf(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    return reads.firstKey(scope, { state, indexId: idOf(index), range })
  }

  /**
   * A cursor over a query.
   *
   * @param {unknown} query
   * @param {unknown} options
   * @param {object} writes `replace` and `remove` of Cursor
   */
  cursor(query, options, writes) {
    const checked = checkOptions('openCursor', options, CURSOR_OPTIONS)
    const { direction = 'next', values = true } = checked
    const range = rangeOf(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    let flags = this.inIndex ? SCAN.KEYS | SCAN.PRIMARY_KEYS : SCAN.KEYS
    if (values) flags |= SCAN.VALUES
    if (direction.startsWith('prev')) flags |= SCAN.REVERSE
    if (this.inIndex && direction.endsWith('unique')) flags |= SCAN.UNIQUE
    const plan = new ScanPlan(state, idOf(index), flags, range)
    return new Cursor({ scope, plan, index, direction, ...writes })
  }
}

/** The native library's id of an index; 0 is the store itself. */
function idOf(index) {
  return index === null ? 0 : index.id
}

module.exports = { Source, VALUES, KEYS, ENTRIES }
