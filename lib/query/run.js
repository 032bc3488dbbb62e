'use strict'

const { collectRows } = require('../chunk-source')
const { LodestoreError } = require('../errors')
const { readU64 } = require('../operations')
const { ScanIterator } = require('../scan')
const { explainText } = require('./explain-text')
const { nextJson } = require('./json-row')
const { PassingIterator } = require('./predicates')
const { QueryPlan } = require('./query-plan')
const { QuerySource } = require('./query-source')
const { RETURNS } = require('./request')

/**
 * What is asked, by a query that is about to run.
 *
 * @typedef {object} Question
 * @property {() => { scope: object, state: object }} resolve finds out where it is asked
 * @property {() => { queue: object, state: object }} writes finds out where it is written
 * @property {object} filter captured
 * @property {import('./options').Parts} parts
 * @property {readonly Function[]} predicates functions of the user that rows have to pass
 * @property {'documents' | 'keys' | 'entries'} returns
 */

/** Reads a row, by what a query returns. */
const READERS = {
  [RETURNS.DOCUMENTS]: (chunk) => chunk.nextValue(),
  [RETURNS.KEYS]: (chunk) => chunk.nextKey(),
  [RETURNS.ENTRIES]: nextEntry,
  [RETURNS.COUNT]: (chunk) => readU64(chunk.buffer, chunk.skipRow()),
  [RETURNS.EXPLAIN]: nextJson,
}

/** What a query returns of an entry. */
const TAKES = {
  [RETURNS.DOCUMENTS]: ({ value }) => value,
  [RETURNS.KEYS]: ({ primaryKey }) => primaryKey,
  [RETURNS.ENTRIES]: (entry) => entry,
}

function nextEntry(chunk) {
  const { key, primaryKey, value } = chunk.nextEntry()
  return { key, primaryKey, value }
}

/** The rows of a page; the last one of the last chunk says where further pages are. */
function nextOfPage(chunk) {
  return chunk.done && chunk.left === 1 ? nextJson(chunk) : chunk.nextValue()
}

/**
 * The question as the native library is asked it.
 *
 * @param {Question} question
 * @param {string} returns one of RETURNS
 */
function requestOf({ filter, parts, predicates }, returns) {
  const { sort, select, hint, limit, skip } = parts
  // What is not there is neither encoded nor parsed.
  const request = { filter, returns }
  if (sort !== undefined) request.sort = sort
  if (select !== undefined) request.select = select
  if (hint !== undefined) request.hint = hint
  // Functions of the user come before limits.
  if (predicates.length > 0) return request
  if (limit !== undefined) request.limit = limit
  if (skip !== undefined) request.skip = skip
  return request
}

/** @param {Question} question @param {object} [changes] to the request */
function sourceOf(question, returns, changes) {
  const { scope, state } = question.resolve()
  const request = requestOf(question, returns)
  if (changes !== undefined) Object.assign(request, changes)
  const plan = new QueryPlan(state, request)
  return new QuerySource(scope, plan, question.parts.signal)
}

/** Whether it cannot have rows, so that nothing need be read. */
function isEmpty({ parts }) {
  return parts.limit === 0
}

/** Begins to iterate over the rows. @param {Question} question */
function iterate(question) {
  const { predicates, parts, returns } = question
  if (predicates.length === 0) {
    return new ScanIterator(sourceOf(question, returns), READERS[returns], isEmpty(question))
  }
  const begin = () =>
    new ScanIterator(sourceOf(question, RETURNS.ENTRIES), nextEntry, isEmpty(question))
  const { skip = 0, limit = Infinity } = parts
  return new PassingIterator(begin, { predicates, skip, limit, take: TAKES[returns] })
}

/** All rows, in an array. @param {Question} question */
async function all(question) {
  const { predicates, returns } = question
  if (predicates.length === 0) {
    const source = sourceOf(question, returns)
    return isEmpty(question) ? [] : collectRows(source, READERS[returns])
  }
  const rows = []
  for await (const row of iterate(question)) rows.push(row)
  return rows
}

/** The first row, or undefined. @param {Question} question */
async function first(question) {
  // The question is this answer's own.
  question.parts = ofOne(question.parts)
  const [row] = await all(question)
  return row
}

/** Whether there is a row. @param {Question} question */
async function exists(question) {
  const parts = ofOne(countedParts(question))
  return (await all({ ...question, parts, returns: RETURNS.KEYS })).length > 0
}

/** The parts of a query of one row at most. */
function ofOne(parts) {
  return { ...parts, limit: Math.min(1, parts.limit ?? 1) }
}

/** The parts that decide which rows there are, but not their order and fields. */
function countedParts({ parts, predicates }) {
  const counted = { ...parts }
  delete counted.sort
  // Functions of the user are given what is selected.
  if (predicates.length === 0) delete counted.select
  return counted
}

/** How many rows there are. @param {Question} question */
async function count(question) {
  const parts = countedParts(question)
  if (question.predicates.length === 0) {
    const source = sourceOf({ ...question, parts }, RETURNS.COUNT)
    if (isEmpty(question)) return 0
    const [rows] = await collectRows(source, READERS[RETURNS.COUNT])
    return rows
  }
  let rows = 0
  const iterator = iterate({ ...question, parts })
  while (!(await iterator.next()).done) rows++
  return rows
}

/**
 * One page.
 *
 * @param {Question} question
 * @param {{ size: number, after?: string, before?: string }} which
 * @returns {Promise<{ items: unknown[], next: string | null, prev: string | null,
 *   hasMore: boolean }>}
 */
async function page(question, which) {
  refusePredicates(question, 'page')
  if (question.returns !== RETURNS.DOCUMENTS) {
    throw new LodestoreError('INVALID_QUERY', 'page: pages are of documents')
  }
  if (question.parts.skip !== undefined) {
    throw new LodestoreError('INVALID_QUERY', 'page: pages go on from a token, not from an offset')
  }
  const parts = { ...question.parts }
  delete parts.limit
  const source = sourceOf({ ...question, parts }, RETURNS.PAGE, { page: which })
  const rows = await collectRows(source, nextOfPage)
  const { next, prev, hasMore } = rows.pop()
  return { items: rows, next, prev, hasMore }
}

/**
 * How the query is answered.
 *
 * @param {Question} question
 * @param {'json' | 'text'} format
 */
async function explain(question, format) {
  const [explanation] = await collectRows(
    sourceOf(question, RETURNS.EXPLAIN),
    READERS[RETURNS.EXPLAIN],
  )
  return format === 'text' ? explainText(explanation) : explanation
}

/** @throws {LodestoreError} INVALID_QUERY if functions of the user stand in the way */
function refusePredicates({ predicates }, method) {
  if (predicates.length === 0) return
  throw new LodestoreError(
    'INVALID_QUERY',
    `${method}: it cannot follow filter(function), which runs outside of the database`,
  )
}

module.exports = { all, count, exists, explain, first, iterate, page, refusePredicates, requestOf }
