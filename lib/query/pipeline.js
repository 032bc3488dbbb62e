'use strict'

const { LodestoreError } = require('../errors')
const {
  abortSignal,
  checkOptions,
  describe,
  integer,
  invalidArgument,
  nonEmptyString,
} = require('../options/check')
const { makeAwaitable } = require('./awaitable')
const { captureFilter, captureValue } = require('./capture')
const { filterOf } = require('./conditions')
const { checkExplain, checkRows, checkSignal } = require('./options')
const { explainPipeline, iteratePipeline, runPipeline } = require('./run-pipeline')
const stages = require('./stages')

const PIPELINE_OPTIONS = {
  hint: nonEmptyString,
  memoryLimit: integer(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  signal: abortSignal,
}

/**
 * A pipeline over a store: nothing is read before it is awaited or iterated, and each time it is
 * read anew. Immutable: methods append stages and give a new one.
 */
class Pipeline {
  #target
  #stages
  #options

  /**
   * @param {object} target see Query
   * @param {readonly object[]} captured stages
   * @param {{ hint?: string, memoryLimit?: number, signal?: AbortSignal }} options checked
   */
  constructor(target, captured, options) {
    this.#target = target
    this.#stages = captured
    this.#options = options
  }

  /* Further stages */

  /** The rows for which conditions hold. */
  having(...condition) {
    return this.#with({ $match: captureFilter(filterOf('having', condition)) })
  }

  /** The documents of another store that have a value of a field, as an array. */
  join(store, options) {
    return this.#with(stages.joinStage(store, options))
  }

  /** A row for each combination of values of some fields. */
  groupBy(fields, accumulators) {
    return this.#with(...stages.groupStages(fields, accumulators))
  }

  /** The order of the rows. */
  sort(sort) {
    return this.#with(stages.sortStage(captureValue('the sort', sort)))
  }

  /** A further field to order by, least first. */
  orderByAsc(field) {
    return this.#orderBy('orderByAsc', field, 1)
  }

  /** A further field to order by, greatest first. */
  orderByDesc(field) {
    return this.#orderBy('orderByDesc', field, -1)
  }

  /** Rows at most. */
  limit(count) {
    return this.#with({ $limit: checkRows('limit', count) })
  }

  /** Rows to leave out first. */
  skip(count) {
    return this.#with({ $skip: checkRows('skip', count) })
  }

  /** The same. */
  offset(count) {
    return this.#with({ $skip: checkRows('offset', count) })
  }

  /** The fields to keep. */
  select(...fields) {
    const isList = fields.length > 1 || typeof fields[0] === 'string'
    const select = captureValue('the selection', isList ? fields : fields[0])
    return this.#with(...stages.selectStages(select))
  }

  /** Further stages, as of `aggregate`. */
  stages(more) {
    return this.#with(...captureStages('stages', more))
  }

  /** Ends it when it is aborted. */
  signal(signal) {
    const options = { ...this.#options, signal: checkSignal(signal) }
    return new Pipeline(this.#target, this.#stages, options)
  }

  /* Answers */

  /** All rows, in an array. */
  async toArray() {
    return runPipeline(this.#target, this.#stages, this.#options)
  }

  [Symbol.asyncIterator]() {
    return iteratePipeline(this.#target, this.#stages, this.#options)
  }

  /** The first row, or undefined. */
  async first() {
    const [row] = await this.limit(1)
    return row
  }

  /** How many rows there are. */
  async count() {
    const row = await this.#with({ $count: 'count' }).first()
    return row?.count ?? 0
  }

  /** How it runs. One that writes does not write for this. */
  async explain(options) {
    return explainPipeline(this.#target, this.#stages, this.#options, checkExplain(options))
  }

  /** The stages. */
  toStages() {
    return structuredClone(this.#stages)
  }

  #orderBy(method, field, direction) {
    if (typeof field !== 'string') {
      throw invalidArgument(`${method}: field must be a string, not ${describe(field)}`, 'field')
    }
    const last = this.#stages.at(-1)
    if (last === undefined || !Object.hasOwn(last, '$sort')) {
      return this.#with({ $sort: { [field]: direction } })
    }
    const further = stages.furtherSortStage(last, field, direction)
    return new Pipeline(this.#target, [...this.#stages.slice(0, -1), further], this.#options)
  }

  #with(...more) {
    return new Pipeline(this.#target, [...this.#stages, ...more], this.#options)
  }
}
makeAwaitable(Pipeline)

/**
 * Begins a pipeline.
 *
 * @param {object} target see Query
 * @param {unknown} pipeline stages
 * @param {unknown} options
 * @returns {Pipeline}
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function aggregate(target, pipeline, options) {
  const checked = checkOptions('aggregate', options, PIPELINE_OPTIONS)
  return new Pipeline(target, captureStages('aggregate', pipeline), checked)
}

function captureStages(method, pipeline) {
  if (Array.isArray(pipeline)) return captureValue('the pipeline', pipeline)
  throw new LodestoreError(
    'INVALID_QUERY',
    `${method}: a pipeline is an array of stages, not ${describe(pipeline)}`,
  )
}

/**
 * The pipeline that answers as a query does.
 *
 * @param {object} target see Query
 * @param {import('./run').Question} question
 * @returns {Pipeline}
 */
function pipelineOf(target, question) {
  const { hint, signal } = question.parts
  const options = { ...(hint && { hint }), ...(signal && { signal }) }
  return new Pipeline(target, stages.stagesOfQuery(question), options)
}

module.exports = { aggregate, pipelineOf }
