'use strict'

const { LodestoreError } = require('../errors')
const { checkOptions, describe, invalidArgument, nonEmptyString } = require('../options/check')
const { captureValue } = require('./capture')
const { appendToSort, pairsOf } = require('./sort')

const JOIN_OPTIONS = { local: nonEmptyString, foreign: nonEmptyString, as: nonEmptyString }

/**
 * The stages of a pipeline that answers as a query does.
 *
 * @param {import('./run').Question} question
 * @returns {object[]} captured
 */
function stagesOfQuery({ filter, parts }) {
  const { sort, skip, limit, select } = parts
  const stages = []
  if (Object.keys(filter).length > 0) stages.push({ $match: filter })
  if (sort !== undefined) stages.push(sortStage(sort))
  if (skip !== undefined) stages.push({ $skip: skip })
  if (limit !== undefined) stages.push({ $limit: limit })
  if (select !== undefined) stages.push(...selectStages(select))
  return stages
}

/** A sort of any form as a stage. */
function sortStage(sort) {
  return { $sort: Object.fromEntries(pairsOf(sort)) }
}

/** A sort with a further field. */
function furtherSortStage(before, field, direction) {
  return { $sort: Object.fromEntries(appendToSort(Object.entries(before.$sort), field, direction)) }
}

/** A selection of any form as stages. */
function selectStages(select) {
  const isList = Array.isArray(select)
  const project = isList ? Object.fromEntries(select.map((field) => [field, 1])) : select
  const keeps = isList || Object.values(Object(project)).some((kept) => kept === 1 || kept === true)
  // `$project` keeps `_id` by itself; here no field is an exception.
  return [{ $project: keeps && !Object.hasOwn(project, '_id') ? { _id: 0, ...project } : project }]
}

/**
 * A join by equal fields.
 *
 * @param {unknown} store the other one's name
 * @param {unknown} options
 * @throws {LodestoreError} INVALID_ARGUMENT
 */
function joinStage(store, options) {
  if (typeof store !== 'string') {
    throw invalidArgument(`join: store must be a store's name, not ${describe(store)}`, 'store')
  }
  const { local, foreign, as = store } = checkOptions('join', options, JOIN_OPTIONS)
  for (const [name, field] of Object.entries({ local, foreign })) {
    if (field !== undefined) continue
    throw invalidArgument(`join: options.${name} must name a field`, `options.${name}`)
  }
  return { $lookup: { from: store, localField: local, foreignField: foreign, as } }
}

/**
 * Groups by some fields: one row for each combination of their values, with these under their
 * names, and what the accumulators make of the group.
 *
 * @param {unknown} fields a path, several, or paths and expressions by name
 * @param {unknown} accumulators by name, as of `$group`
 * @returns {object[]}
 * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY
 */
function groupStages(fields, accumulators = {}) {
  const keys = captureValue('the fields of groupBy', groupKeys(fields))
  const made = captureValue('the accumulators of groupBy', accumulators)
  for (const name of Object.keys(made)) {
    if (!Object.hasOwn(keys, name) && name !== '_id') continue
    throw new LodestoreError('INVALID_QUERY', `groupBy: '${name}' is the name of a field, too`)
  }
  return [
    { $group: { _id: keys, ...made } },
    { $replaceRoot: { newRoot: { $mergeObjects: ['$_id', '$$ROOT'] } } },
    { $unset: '_id' },
  ]
}

function groupKeys(fields) {
  if (typeof fields === 'string') return groupKeys([fields])
  if (Array.isArray(fields) && fields.every((field) => typeof field === 'string')) {
    const keys = {}
    for (const field of fields) {
      const name = field.slice(field.lastIndexOf('.') + 1)
      if (Object.hasOwn(keys, name)) {
        throw new LodestoreError(
          'INVALID_QUERY',
          `groupBy: two fields are called '${name}'; name them, as in { a: 'x.${name}' }`,
        )
      }
      keys[name] = `$${field}`
    }
    return keys
  }
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
    const named = Object.entries(fields).map(([name, field]) => {
      return [name, typeof field === 'string' ? `$${field}` : field]
    })
    return Object.fromEntries(named)
  }
  const message = `groupBy: fields must be paths, or paths by name, not ${describe(fields)}`
  throw invalidArgument(message, 'fields')
}

module.exports = {
  furtherSortStage,
  groupStages,
  joinStage,
  selectStages,
  sortStage,
  stagesOfQuery,
}
