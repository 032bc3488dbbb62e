'use strict'

const { LodestoreError } = require('../errors')
const { callback, checkArgument, invalidArgument, nonEmptyString } = require('../options/check')
const { makeAwaitable } = require('./awaitable')
const { captureValue } = require('./capture')
const { deleteFound, updateFound } = require('./change')
const { Conditions } = require('./conditions')
const {
  checkCollation,
  checkExplain,
  checkHint,
  checkPage,
  checkRows,
  checkSignal,
} = require('./options')
const { RETURNS } = require('./request')
const { pipelineOf } = require('./pipeline')
const run = require('./run')
const { appendToSort } = require('./sort')

/** @type {(query: Query, groups: import('./conditions').Groups) => Query} */
let withGroups

/**
 * A query: nothing is read before it is awaited or iterated, and each time it is read anew.
 * Immutable: methods that say more about it give a new query.
 */
class Query extends Conditions {
  #target
  #spec
  #groups

  static {
    withGroups = (query, groups) => new Query(query.#target, query.#spec, groups)
  }

  /**
   * @param {object} target
   * @param {() => { scope: object, state: object }} target.resolve where it runs
   * @param {() => { queue: object, state: object }} target.writes where it writes
   * @param {object} spec
   * @param {import('./options').Parts} spec.parts
   * @param {readonly Function[]} spec.predicates
   * @param {'documents' | 'keys' | 'entries'} spec.returns
   * @param {string} [spec.after] where a page begins
   * @param {import('./conditions').Groups} groups
   */
  constructor(target, spec, groups) {
    super(groups, withGroups, false)
    this.#target = target
    this.#spec = spec
    this.#groups = groups
  }

  /* What is asked */

  /** The order of the rows: `'-age'`, `['city', '-age']` or `{ city: 1, age: -1 }`. */
  sort(sort) {
    return this.#with({ sort: captureValue('the sort', sort) })
  }

  /** A further field to order by. */
  orderBy(field, direction = 'asc') {
    return this.#orderBy('orderBy', field, direction)
  }

  /** A further field to order by, least first. */
  orderByAsc(field) {
    return this.#orderBy('orderByAsc', field, 'asc')
  }

  /** A further field to order by, greatest first. */
  orderByDesc(field) {
    return this.#orderBy('orderByDesc', field, 'desc')
  }

  /** The order of strings, in the conditions and the sort: `{ locale: 'fr', strength: 1 }`. */
  collation(collation) {
    return this.#with({ collation: checkCollation(collation) })
  }

  /** Rows at most. */
  limit(count) {
    return this.#with({ limit: checkRows('limit', count) })
  }

  /** Rows to leave out first. */
  skip(count) {
    return this.#with({ skip: checkRows('skip', count) })
  }

  /** The same. */
  offset(count) {
    return this.#with({ skip: checkRows('offset', count) })
  }

  /** The fields of the documents to read: `(['a', 'b.c'])`, `('a', 'b.c')` or `({ secret: 0 })`. */
  select(...fields) {
    const { predicates, returns } = this.#spec
    if (predicates.length > 0 || returns !== RETURNS.DOCUMENTS) {
      throw new LodestoreError(
        'INVALID_QUERY',
        'select: it stands before filter(function), which is given what is selected, ' +
          'and before keys and entries',
      )
    }
    const isList = fields.length > 1 || typeof fields[0] === 'string'
    return this.#with({ select: captureValue('the selection', isList ? fields : fields[0]) })
  }

  /** The index to use. */
  hint(index) {
    return this.#with({ hint: checkHint(index) })
  }

  /** Ends the query when it is aborted. */
  signal(signal) {
    return this.#with({ signal: checkSignal(signal) })
  }

  /** A function that documents have to pass, called for those that pass the other conditions. */
  filter(fn) {
    checkArgument('filter', fn, callback, 'fn')
    const { predicates } = this.#spec
    return this.#derive({ predicates: [...predicates, fn] })
  }

  /** Where the next `page` begins: the token of another one. */
  cursor(token) {
    if (token !== null && typeof token !== 'string') {
      throw invalidArgument('cursor: token must be a token of a page, or null', 'token')
    }
    return this.#derive({ after: token ?? undefined })
  }

  /** The primary keys instead of the documents. */
  keys() {
    return this.#derive({ returns: RETURNS.KEYS })
  }

  /** The keys and the documents, as `{ key, primaryKey, value }`. */
  entries() {
    return this.#derive({ returns: RETURNS.ENTRIES })
  }

  /* Answers */

  /** All rows, in an array. */
  async toArray() {
    return run.all(this.#question())
  }

  [Symbol.asyncIterator]() {
    return run.iterate(this.#question())
  }

  /** The first row, or undefined. */
  async first() {
    return run.first(this.#question())
  }

  /** Whether there is a row. */
  async exists() {
    return run.exists(this.#question())
  }

  /** How many rows there are. */
  async count() {
    return run.count(this.#question())
  }

  /** Some rows, with tokens for the pages before and behind them. */
  async page(options) {
    const { parts, after } = this.#spec
    return run.page(this.#question(), checkPage(options, { size: parts.limit, after }))
  }

  /** How the query is answered. */
  async explain(options) {
    return run.explain(this.#question(), checkExplain(options))
  }

  /* Pipelines */

  /** The documents of another store that have a value of a field, as an array. */
  join(store, options) {
    return this.#pipeline('join').join(store, options)
  }

  /** A row for each combination of values of some fields. */
  groupBy(fields, accumulators) {
    return this.#pipeline('groupBy').groupBy(fields, accumulators)
  }

  /** Stages over the rows, as of `aggregate`. */
  stages(stages) {
    return this.#pipeline('stages').stages(stages)
  }

  /** The sum of a field's numbers. */
  async sum(field) {
    return (await this.#folded('sum', field)) ?? 0
  }

  /** The average of a field's numbers, or undefined. */
  async avg(field) {
    return this.#folded('avg', field)
  }

  /** The least value of a field, or undefined. */
  async min(field) {
    return this.#folded('min', field)
  }

  /** The greatest value of a field, or undefined. */
  async max(field) {
    return this.#folded('max', field)
  }

  /** The values of a field, each once; of arrays their elements. */
  async distinct(field) {
    const path = `$${checkArgument('distinct', field, nonEmptyString, 'field')}`
    const rows = await this.#pipeline('distinct').stages([{ $distinct: path }])
    return rows.map(({ _id }) => _id)
  }

  /* Changes */

  /** Changes the documents by operators, all or none, or in batches. */
  async update(update, options) {
    return updateFound(this.#question(), update, options)
  }

  /** Deletes the documents, all or none, or in batches; tells how many there were. */
  async delete(options) {
    return deleteFound(this.#question(), options)
  }

  /* Inside */

  #pipeline(method) {
    const question = this.#question()
    run.refusePredicates(question, method)
    if (question.returns !== RETURNS.DOCUMENTS) {
      throw new LodestoreError('INVALID_QUERY', `${method}: it is of documents, not of keys`)
    }
    if (question.parts.collation !== undefined) {
      throw new LodestoreError(
        'INVALID_QUERY',
        `${method}: it runs a pipeline, which has no collation`,
      )
    }
    return pipelineOf(this.#target, question)
  }

  async #folded(method, field) {
    const path = `$${checkArgument(method, field, nonEmptyString, 'field')}`
    const group = { $group: { _id: null, value: { [`$${method}`]: path } } }
    const row = await this.#pipeline(method).stages([group]).first()
    return row?.value ?? undefined
  }

  #orderBy(method, field, direction) {
    if (typeof field !== 'string')
      throw invalidArgument(`${method}: field must be a string`, 'field')
    if (direction !== 'asc' && direction !== 'desc') {
      throw invalidArgument(`${method}: direction must be 'asc' or 'desc'`, 'direction')
    }
    const { sort } = this.#spec.parts
    return this.#with({ sort: appendToSort(sort, field, direction === 'asc' ? 1 : -1) })
  }

  #with(parts) {
    return this.#derive({ parts: { ...this.#spec.parts, ...parts } })
  }

  #derive(changes) {
    return new Query(this.#target, { ...this.#spec, ...changes }, this.#groups)
  }

  #question() {
    // Spelled out: spreading the two costs as much as the whole answer to a short query.
    const { parts, predicates, returns, after } = this.#spec
    const { resolve, writes } = this.#target
    return { resolve, writes, filter: this.toFilter(), parts, predicates, returns, after }
  }
}
makeAwaitable(Query)

/**
 * Begins a query.
 *
 * @param {object} target see Query
 * @param {import('./options').Parts} parts
 * @param {object} [filter] captured
 */
function queryOf(target, parts, filter) {
  const spec = { parts, predicates: [], returns: RETURNS.DOCUMENTS, after: undefined }
  const isEverything = filter === undefined || Object.keys(filter).length === 0
  return new Query(target, spec, isEverything ? [] : [[filter]])
}

module.exports = { Query, queryOf }
