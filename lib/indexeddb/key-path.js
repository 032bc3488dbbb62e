'use strict'

const { INVALID, toKeyOrInvalid } = require('./keys')

const IDENTIFIER = /^[$_\p{ID_Start}][$\u200c\u200d\p{ID_Continue}]*$/u

/** Whether a string or list of strings may be a key path. */
function isKeyPath(keyPath) {
  if (Array.isArray(keyPath)) return keyPath.length > 0 && keyPath.every(isPath)
  return isPath(keyPath)
}

function isPath(path) {
  return path === '' || path.split('.').every((name) => IDENTIFIER.test(name))
}

/**
 * What stands at a key path of a value that was cloned, so that no code of the user runs
 * ("evaluate a key path on a value").
 *
 * @param {string | string[]} keyPath
 * @param {unknown} clone
 * @returns {unknown} undefined if there is nothing
 */
function evaluate(keyPath, clone) {
  if (typeof keyPath === 'string') return evaluatePath(keyPath, clone)
  const values = keyPath.map((path) => evaluatePath(path, clone))
  return values.includes(undefined) ? undefined : values
}

function evaluatePath(path, clone) {
  if (path === '') return clone
  let value = clone
  for (const name of path.split('.')) {
    value = member(value, name)
    if (value === undefined) return undefined
  }
  return value
}

function member(value, name) {
  if (typeof value === 'string') return name === 'length' ? value.length : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, name)) return value[name]
  if (value instanceof Blob) {
    if (name === 'size' || name === 'type') return value[name]
    const isOfFile = name === 'name' || name === 'lastModified'
    return isOfFile ? value[name] : undefined
  }
  return undefined
}

/**
 * The key at a key path of a clone ("extract a key from a value using a key path").
 *
 * @returns {unknown} undefined if there is nothing, INVALID if it is not a key
 */
function extractKey(keyPath, clone) {
  const value = evaluate(keyPath, clone)
  return value === undefined ? undefined : toKeyOrInvalid(value)
}

module.exports = { INVALID, extractKey, isKeyPath }
