'use strict'

const { collect } = require('./chunk-source')
const { Cursor } = require('./cursor')
const { boolean, checkOptions, oneOf } = require('./options/check')
const { splitQuery } = require('./options/query')
const { SCAN, packRange } = require('./read-request')
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
   * @param {string} method
   * @param {unknown} query
   * @param {unknown} options
   * @returns {{ begin: (selection: object) => object, isEmpty: boolean }}
   */
  prepare(method, query, options) {
    const { inIndex } = this
    const split = splitQuery(method, query, options, inIndex)
    const range = packRange(split.query, inIndex)
    const { reverse = false, limit, offset = 0, unique = false } = split.options
    const order = (reverse ? SCAN.REVERSE : 0) | (unique ? SCAN.UNIQUE : 0)
    const begin = (selection) => {
      const { scope, state, index } = this.resolve()
      const flags = order | (inIndex ? selection.index : selection.store)
      const indexId = idOf(index)
      return {
        scope,
        plan: new ScanPlan({ state, indexId, flags, range, limit: limit ?? 0, offset }),
      }
    }
    return { begin, isEmpty: limit === 0 }
  }

  /** All rows of a query. @returns {Promise<unknown[]>} */
  async all(method, selection, query, options) {
    const { begin, isEmpty } = this.prepare(method, query, options)
    const { scope, plan } = begin(selection)
    return isEmpty ? [] : collect(scope, plan, selection.read)
  }

  /** The first row of a query. */
  async first(selection, query) {
    const { scope, state, index } = this.resolve()
    const range = packRange(query, this.inIndex)
    const flags = this.inIndex ? selection.index : selection.store
    const plan = new ScanPlan({ state, indexId: idOf(index), flags, range, limit: 1 })
    const [row] = await collect(scope, plan, selection.read)
    return row
  }

  /** An iterable over the rows of a query. */
  scan(method, selection, query, options) {
    const { begin, isEmpty } = this.prepare(method, query, options)
    return new Scan(begin, selection, isEmpty)
  }

  /** @returns {Promise<number>} */
  async count(query) {
    const range = packRange(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    const indexId = idOf(index)
    return reads.count(scope, { state, indexId, range, bounded: query !== undefined })
  }

  /** The primary key of the first row of a query. */
  async firstKey(query) {
    const range = packRange(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    const indexId = idOf(index)
    return reads.firstKey(scope, { state, indexId, range })
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
    const range = packRange(query, this.inIndex)
    const { scope, state, index } = this.resolve()
    let flags = this.inIndex ? SCAN.KEYS | SCAN.PRIMARY_KEYS : SCAN.KEYS
    if (values) flags |= SCAN.VALUES
    if (direction.startsWith('prev')) flags |= SCAN.REVERSE
    if (this.inIndex && direction.endsWith('unique')) flags |= SCAN.UNIQUE
    const plan = new ScanPlan({ state, indexId: idOf(index), flags, range })
    return new Cursor({ scope, plan, index, direction, ...writes })
  }
}

/** The native library's id of an index; 0 is the store itself. */
function idOf(index) {
  return index === null ? 0 : index.id
}

module.exports = { Source, VALUES, KEYS, ENTRIES }
