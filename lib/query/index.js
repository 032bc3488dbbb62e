'use strict'

const { captureFilter } = require('./capture')
const { BOUNDS, isPlainObject } = require('../options/query')
const { Conditions, asFilter } = require('./conditions')
const { Expression } = require('./expression')
const { checkFind } = require('./options')
const { nearestTo, nearestToMany, recommend } = require('./nearest')
const { aggregate } = require('./pipeline')
const { prepare } = require('./prepared')
const { queryOf } = require('./query')
const { RETURNS } = require('./request')
const run = require('./run')

/** The query of a filter. @param {object} target see Query */
function find(target, method, filter, options) {
  const parts = checkFind(method, options)
  return queryOf(target, parts, captured(method, filter))
}

/** The first document of a filter, or undefined. @param {object} target see Query */
function findFirst({ resolve, writes }, method, filter, options) {
  const parts = checkFind(method, options)
  const question = {
    resolve,
    writes,
    filter: captured(method, filter) ?? {},
    parts,
    predicates: [],
    returns: RETURNS.DOCUMENTS,
    after: undefined,
  }
  return run.first(question)
}

/** A query whose values are given when it runs. @param {object} target see Query */
function prepareFind(target, filter, options) {
  const parts = checkFind('prepare', options)
  return prepare((bound) => queryOf(target, parts, bound), asFilter('prepare', filter))
}

function captured(method, filter) {
  return filter === undefined ? undefined : captureFilter(asFilter(method, filter))
}

/**
 * Whether what is given where a range may be is a filter: it has fields, and none that is the name
 * of a bound.
 */
function isFilter(query) {
  if (query instanceof Conditions || query instanceof Expression) return true
  if (!isPlainObject(query)) return false
  const names = Object.keys(query)
  return names.length > 0 && !names.some((name) => BOUNDS.includes(name))
}

module.exports = {
  aggregate,
  find,
  findFirst,
  isFilter,
  nearestTo,
  nearestToMany,
  prepareFind,
  recommend,
}
