'use strict'

const { collectRows } = require('../chunk-source')
const { LodestoreError } = require('../errors')
const { readU64 } = require('../operations')
const { ScanIterator } = require('../scan')
const { explainText } = require('./explain-text')
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
  [RETURNS.NEAREST]: (chunk) => chunk.nextNear(),
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
  if (chunk.plan.isSearch) return chunk.nextFound()
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
 * @param {import('./options').Parts} [parts] instead of the question's
 */
function requestOf({ filter, predicates, parts: own }, returns, parts = own) {
  const { sort, collation, select, hint, limit, skip } = parts
  // What is not there is neither encoded nor parsed.
  const request = { filter, returns }
  if (sort !== undefined) request.sort = sort
  if (collation !== undefined) request.collation = collation
  if (select !== undefined) request.select = select
  if (hint !== undefined) request.hint = hint
  // Functions of the user come before limits.
  if (predicates.length > 0) return request
  if (limit !== undefined) request.limit = limit
  if (skip !== undefined) request.skip = skip
  return request
}

/** @param {Question} question */
function sourceOf(question, returns, parts) {
  return begin(question, requestOf(question, returns, parts))
}

/** @param {Question} question */
function begin({ resolve, parts }, request) {
  const { scope, state } = resolve()
  return new QuerySource(scope, new QueryPlan(state, request), parts.signal)
}

/** Whether it cannot have rows, so that nothing need be read. */
function isEmpty(parts) {
  return parts.limit === 0
}

/** Begins to iterate over the rows. @param {Question} question */
function iterate(question) {
  const { predicates, parts, returns } = question
  if (predicates.length === 0) {
    return new ScanIterator(sourceOf(question, returns), READERS[returns], isEmpty(parts))
  }
  const entries = () =>
    new ScanIterator(sourceOf(question, RETURNS.ENTRIES), nextEntry, isEmpty(parts))
  const { skip = 0, limit = Infinity } = parts
  return new PassingIterator(entries, { predicates, skip, limit, take: TAKES[returns] })
}

/*
 * What is there at once is answered without a promise: the method that asks has one of its own.
 */

/** All rows, in an array. @param {Question} question @returns {unknown[] | Promise<unknown[]>} */
function all(question) {
  const { predicates, parts, returns } = question
  if (predicates.length > 0) return allOf(iterate(question))
  return rowsOf(question, returns, parts)
}

async function allOf(iterator) {
  const rows = []
  for await (const row of iterator) rows.push(row)
  return rows
}

/** The rows of a question without functions of the user. */
function rowsOf(question, returns, parts) {
  const source = sourceOf(question, returns, parts)
  return isEmpty(parts) ? [] : collectRows(source, READERS[returns])
}

/**
 * The documents that are nearest to a vector.
 *
 * @param {() => { scope: object, state: object }} resolve
 * @param {object} request without what it returns
 * @param {AbortSignal} [signal]
 * @returns {object[] | Promise<object[]>}
 */
function nearest(resolve, request, signal) {
  const source = begin({ resolve, parts: { signal } }, { ...request, returns: RETURNS.NEAREST })
  return collectRows(source, READERS[RETURNS.NEAREST])
}

/**
 * For each of several vectors, the documents that are nearest to it.
 *
 * @param {number} vectors how many there are
 * @returns {Promise<object[][]>}
 */
async function nearestMany(resolve, request, signal, vectors) {
  const source = begin({ resolve, parts: { signal } }, { ...request, returns: RETURNS.NEAREST })
  const hits = await collectRows(source, (chunk) => ({ hit: chunk.nextNear(), of: chunk.target }))
  const answers = Array.from({ length: vectors }, () => [])
  for (const { hit, of } of hits) answers[of].push(hit)
  return answers
}

/** How such a search is answered. */
async function explainNearest(resolve, request, signal, format) {
  const source = begin({ resolve, parts: { signal } }, { ...request, returns: RETURNS.EXPLAIN })
  return explained(source, format)
}

/** Gives rows to a function, now or when they are there. */
function withRows(rows, take) {
  return Array.isArray(rows) ? take(rows) : rows.then(take)
}

const firstOf = ([row]) => row
const isAny = (rows) => rows.length > 0

/** The first row, or undefined. @param {Question} question @returns {unknown} often a promise */
function first(question) {
  const { predicates, parts, returns } = question
  const one = ofOne(parts)
  if (predicates.length === 0) return withRows(rowsOf(question, returns, one), firstOf)
  return withRows(all({ ...question, parts: one }), firstOf)
}

/** Whether there is a row. @param {Question} question @returns {boolean | Promise<boolean>} */
function exists(question) {
  const parts = ofOne(countedParts(question))
  return withRows(all({ ...question, parts, returns: RETURNS.KEYS }), isAny)
}

/** The parts of a query of one row at most. */
function ofOne(parts) {
  return { ...parts, limit: Math.min(1, parts.limit ?? 1) }
}

/** The parts that decide which rows there are, but not their order and fields. */
function countedParts({ parts, predicates }) {
  const { collation, select: wanted, limit, skip, hint, signal } = parts
  // Functions of the user are given what is selected.
  const select = predicates.length === 0 ? undefined : wanted
  return { collation, select, limit, skip, hint, signal }
}

/** How many rows there are. @param {Question} question @returns {number | Promise<number>} */
function count(question) {
  const parts = countedParts(question)
  if (question.predicates.length > 0) return countOf(iterate({ ...question, parts }))
  const source = sourceOf(question, RETURNS.COUNT, parts)
  return isEmpty(parts) ? 0 : withRows(collectRows(source, READERS[RETURNS.COUNT]), firstOf)
}

async function countOf(iterator) {
  let rows = 0
  while (!(await iterator.next()).done) rows++
  return rows
}

/**
 * One page.
 *
 * @param {Question} question
 * @param {{ size: number, after?: string, before?: string, explain?: boolean }} which
 * @returns {Promise<{ items: unknown[], next: string | null, prev: string | null,
 *   hasMore: boolean, examinedKeys?: number, examinedDocs?: number }>}
 */
async function page(question, which) {
  refusePredicates(question, 'page')
  if (question.returns !== RETURNS.DOCUMENTS) {
    throw new LodestoreError('INVALID_QUERY', 'page: pages are of documents')
  }
  if (question.parts.skip !== undefined) {
    throw new LodestoreError('INVALID_QUERY', 'page: pages go on from a token, not from an offset')
  }
  const request = requestOf(question, RETURNS.PAGE, { ...question.parts, limit: undefined })
  const source = begin(question, { ...request, page: which })
  const rows = await collectRows(source, nextOfPage)
  const { next, prev, hasMore, ...examined } = rows.pop()
  return { items: rows, next, prev, hasMore, ...examined }
}

/**
 * How the query is answered.
 *
 * @param {Question} question
 * @param {'json' | 'text'} format
 */
async function explain(question, format) {
  return explained(sourceOf(question, RETURNS.EXPLAIN), format)
}

async function explained(source, format) {
  const [explanation] = await collectRows(source, READERS[RETURNS.EXPLAIN])
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

/** Reads a row that is JSON. @param {import('../row-chunk').RowChunk} chunk */
function nextJson(chunk) {
  const start = chunk.skipRow()
  return JSON.parse(chunk.buffer.utf8Slice(start, chunk.at))
}

module.exports = {
  all,
  count,
  exists,
  explain,
  explainNearest,
  first,
  iterate,
  nearest,
  nearestMany,
  nextJson,
  page,
  refusePredicates,
  requestOf,
}
