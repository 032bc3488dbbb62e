'use strict'

/**
 * Appends a field to a sort, whatever form that has: `'-age'`, `['age', '-name']`, `{ age: -1 }` or
 * `[['age', -1]]`. What is wrong in it stays, to be refused with its place.
 *
 * @param {unknown} sort captured, or undefined
 * @param {string} field
 * @param {1 | -1} direction
 * @returns {unknown[]} pairs
 */
function appendToSort(sort, field, direction) {
  return [...pairsOf(sort), [field, direction]]
}

function pairsOf(sort) {
  if (sort === undefined || sort === null) return []
  if (typeof sort === 'string') return [pairOf(sort)]
  if (Array.isArray(sort)) return sort.map(pairOf)
  return typeof sort === 'object' ? Object.entries(sort) : [sort]
}

function pairOf(part) {
  if (typeof part !== 'string') return part
  if (part.startsWith('-')) return [part.slice(1), -1]
  return [part.startsWith('+') ? part.slice(1) : part, 1]
}

module.exports = { appendToSort, pairsOf }
