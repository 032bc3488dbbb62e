'use strict'

const { collectRows } = require('../chunk-source')
const { OP } = require('../operations')
const { ScanIterator } = require('../scan')
const { write } = require('./change')
const { explainPipelineText } = require('./explain-text')
const { nextJson } = require('./run')
const { QueryPlan } = require('./query-plan')
const { QuerySource } = require('./query-source')
const { RETURNS } = require('./request')
const { storesOf } = require('./stores-of')

/** Stages that write what comes before them. */
const WRITING = ['$out', '$merge']

const readRow = (chunk) => chunk.nextValue()

/**
 * All rows of a pipeline. One that writes has none.
 *
 * @param {object} target see Query
 * @param {readonly object[]} stages captured
 * @param {{ hint?: string, memoryLimit?: number, signal?: AbortSignal }} options
 * @returns {Promise<unknown[]>}
 */
async function runPipeline(target, stages, options) {
  if (!writes(stages)) return collectRows(sourceOf(target, stages, options), readRow)
  const { signal, ...request } = options
  checkStores(target.resolve().scope, stages)
  await write({ ...target, signal }, OP.PIPELINE, { pipeline: stages, ...request })
  return []
}

/** Begins to iterate over the rows of a pipeline. */
function iteratePipeline(target, stages, options) {
  if (writes(stages)) return written(target, stages, options)
  return new ScanIterator(sourceOf(target, stages, options), readRow, false)
}

async function* written(target, stages, options) {
  yield* await runPipeline(target, stages, options)
}

/**
 * How a pipeline runs; one that writes does not.
 *
 * @param {'json' | 'text'} format
 */
async function explainPipeline(target, stages, options, format) {
  const source = sourceOf(target, stages, options, RETURNS.PIPELINE_EXPLAIN)
  const [explanation] = await collectRows(source, nextJson)
  return format === 'text' ? explainPipelineText(explanation) : explanation
}

function sourceOf({ resolve }, stages, { signal, ...request }, returns = RETURNS.PIPELINE) {
  const { scope, state } = resolve()
  checkStores(scope, stages)
  const plan = new QueryPlan(state, { pipeline: stages, ...request, returns })
  return new QuerySource(scope, plan, signal)
}

/** @throws {LodestoreError} INVALID_ARGUMENT for stores that a transaction was not opened for */
function checkStores(scope, stages) {
  if (scope.allowed === null) return
  for (const name of storesOf(stages)) scope.definition(name)
}

function writes(stages) {
  const last = stages.at(-1)
  return last !== undefined && WRITING.some((name) => Object.hasOwn(Object(last), name))
}

module.exports = { explainPipeline, iteratePipeline, runPipeline }
