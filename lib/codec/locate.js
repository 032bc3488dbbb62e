'use strict'

const { KIND, classify } = require('./classify')
const { isIndexKey } = require('./arrays')

/** Objects looked at when a path is searched. */
const MAX_OBJECTS = 1_000_000

/**
 * The path to a value inside another, such as `a.b[3]`: the shortest one, found by identity.
 *
 * @param {unknown} root
 * @param {unknown} wanted
 * @returns {string} empty for the root itself, or when the value is not found again
 */
function findPath(root, wanted) {
  if (Object.is(root, wanted)) return ''
  for (const { value, path } of members(root)) if (Object.is(value, wanted)) return path
  return ''
}

/**
 * Every Blob and File in a value, each once, so that their bytes can be read before the value is
 * encoded.
 *
 * @param {unknown} value
 * @returns {Blob[]}
 */
function collectBlobs(value) {
  const blobs = new Set()
  if (isBlob(value)) blobs.add(value)
  for (const member of members(value)) if (isBlob(member.value)) blobs.add(member.value)
  return [...blobs]
}

function isBlob(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return classify(value, Object.getPrototypeOf(value)) === KIND.BLOB
}

/** Every value inside another, breadth first; each object is entered once. */
function* members(root) {
  const queue = [{ value: root, path: '' }]
  const seen = new Set([root])
  for (let i = 0; i < queue.length && i < MAX_OBJECTS; i++) {
    for (const member of children(queue[i].value, queue[i].path)) {
      yield member
      const { value } = member
      if (typeof value !== 'object' || value === null || seen.has(value)) continue
      seen.add(value)
      queue.push(member)
    }
    queue[i] = null
  }
}

function* children(parent, path) {
  if (typeof parent !== 'object' || parent === null) return
  const kind = Array.isArray(parent) ? KIND.PLAIN : classify(parent, Object.getPrototypeOf(parent))
  if (kind === KIND.MAP) {
    let i = 0
    for (const [key, value] of Map.prototype.entries.call(parent)) {
      yield { value: key, path: `${path}[key ${i}]` }
      yield { value, path: `${path}[value ${i}]` }
      i++
    }
  } else if (kind === KIND.SET) {
    let i = 0
    for (const value of Set.prototype.values.call(parent)) yield { value, path: `${path}[${i++}]` }
  } else if (kind === KIND.PLAIN || kind === KIND.ERROR) {
    const hidden = kind === KIND.ERROR ? ['message', 'cause', 'errors'] : []
    for (const key of [...hidden, ...Object.keys(parent)]) {
      const value = readField(parent, key)
      yield { value, path: step(path, key, Array.isArray(parent)) }
    }
  }
}

/** A getter that throws hides what it would return; the search goes on without it. */
function readField(object, key) {
  try {
    return object[key]
  } catch {
    return undefined
  }
}

function step(path, key, isArray) {
  if (isArray && isIndexKey(key)) return `${path}[${key}]`
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

module.exports = { findPath, collectBlobs }
