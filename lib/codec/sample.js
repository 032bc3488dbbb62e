'use strict'

const { KIND, classify } = require('./classify')
const { findInjection } = require('./inject')

/** Objects looked at in one sample. */
const MAX_OBJECTS = 20000

/**
 * Reports the key list of every plain object in the values, nested ones included.
 *
 * @param {Iterable<unknown>} values
 * @param {{ path: string[] } | null} inject the key that each value is going to be given
 * @param {(keys: string[]) => void} report
 */
function walkKeyLists(values, inject, report) {
  let left = MAX_OBJECTS
  for (const value of values) {
    if (left <= 0) return
    let injection = null
    if (inject !== null) {
      injection = findInjection(value, inject.path, true)
      for (const name of injection.names.slice(1)) report([name])
    }
    left = walk(value, injection, report, left)
  }
}

function walk(root, injection, report, left) {
  const seen = new Set()
  const stack = [root]
  while (stack.length > 0 && left > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    left--
    if (Array.isArray(value)) {
      for (let i = Math.min(value.length, left) - 1; i >= 0; i--) stack.push(value[i])
      continue
    }
    const kind = classify(value, Object.getPrototypeOf(value))
    if (kind === KIND.MAP) for (const entry of value) stack.push(entry[0], entry[1])
    if (kind === KIND.SET) for (const member of value) stack.push(member)
    if (kind !== KIND.PLAIN) continue
    const keys = Object.keys(value)
    for (const key of keys) stack.push(value[key])
    if (injection?.target === value && !keys.includes(injection.names[0])) {
      keys.push(injection.names[0])
    }
    report(keys)
  }
  return left
}

module.exports = { walkKeyLists }
