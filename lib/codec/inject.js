'use strict'

const { LodestoreError } = require('../errors')
const { KIND, classify } = require('./classify')

const { propertyIsEnumerable } = Object.prototype

/**
 * Where a generated key goes: the innermost object on the path that exists, and the names from
 * there on, of which all but the last become new objects.
 *
 * @param {unknown} value the document
 * @param {string[]} path the key path's segments
 * @param {boolean} arraysHaveFields whether a field of an array is stored
 * @returns {{ target: object, names: string[] }}
 * @throws {LodestoreError} INVALID_KEY if something on the path cannot have fields
 */
function findInjection(value, path, arraysHaveFields) {
  let target = value
  for (let i = 0; ; i++) {
    if (!canHaveFields(target, arraysHaveFields)) {
      const place = i === 0 ? 'the value' : `'${path.slice(0, i).join('.')}'`
      throw new LodestoreError(
        'INVALID_KEY',
        `No key can be generated for '${path.join('.')}', since ${place} is not an object`,
        { path: path.slice(0, i).join('.') },
      )
    }
    const isLast = i === path.length - 1 || !propertyIsEnumerable.call(target, path[i])
    if (isLast) return { target, names: path.slice(i) }
    target = target[path[i]]
  }
}

function canHaveFields(value, arraysHaveFields) {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return arraysHaveFields
  return classify(value, Object.getPrototypeOf(value)) === KIND.PLAIN
}

module.exports = { findInjection }
