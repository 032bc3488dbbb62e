'use strict'

const { LodestoreError } = require('../errors')
const { badLine } = require('./bad-line')
const { rowsOf } = require('./csv')
const { FORMAT_VERSION } = require('./format')
const { fromTyped } = require('./from-typed')
const { elementsOf } = require('./json-array')
const { linesOf, textOf } = require('./lines')

/**
 * A document of a source, or why there is none.
 *
 * @typedef {object} Item
 * @property {number} line where it begins, from 1
 * @property {string} [store] for a source that has several
 * @property {unknown} [key] for stores with out-of-line keys
 * @property {unknown} [document]
 * @property {Error} [error]
 */

/**
 * The documents of lines of typed JSON.
 *
 * @param {AsyncIterable<Buffer>} bytes
 * @returns {AsyncGenerator<Item>}
 */
async function* readLines(bytes) {
  for await (const part of linesOf(bytes)) yield itemOf(part, (text) => wrapped(JSON.parse(text)))
}

/** A document, or one with its key beside it. */
function wrapped(json) {
  const isWrapped = json !== null && typeof json === 'object' && Object.hasOwn(json, '$key')
  if (!isWrapped) return { document: fromTyped(json) }
  const { $key, $value, ...others } = json
  if (Object.keys(others).length > 0) throw new Error('beside $key there may only be $value')
  return { key: fromTyped($key), document: fromTyped($value) }
}

/** The documents of an array of plain JSON. */
async function* readArray(bytes) {
  for await (const part of elementsOf(textOf(bytes))) {
    yield itemOf(part, (text) => ({ document: JSON.parse(text) }))
  }
}

/**
 * The documents of comma-separated values.
 *
 * @param {AsyncIterable<Buffer>} bytes
 * @param {{ columns?: string[], separator?: string, types?: Record<string, string> }} options
 *   `columns` if the source has no header
 */
async function* readRows(bytes, { columns, separator = ',', types = {} }) {
  let readers = columns === undefined ? null : columnsOf(columns, types)
  for await (const row of rowsOf(textOf(bytes), separator)) {
    if (readers === null) {
      if (row.error !== undefined) throw row.error
      readers = columnsOf(row.cells, types)
      continue
    }
    yield itemOf({ ...row, text: row.cells }, () => ({ document: documentOf(readers, row) }))
  }
}

/**
 * The documents of a whole database, after its definitions.
 *
 * @param {AsyncIterable<Buffer>} bytes
 * @param {(header: object) => Promise<void>} onHeader
 */
async function* readDatabase(bytes, onHeader) {
  let isBegun = false
  for await (const part of linesOf(bytes)) {
    if (!isBegun) {
      await onHeader(headerOf(part))
      isBegun = true
      continue
    }
    yield itemOf(part, (text) => {
      const json = JSON.parse(text)
      const { store, key, value, ...others } = Object(json)
      if (typeof store !== 'string' || Object.keys(others).length > 0) {
        throw new Error('it is not { "store", "key", "value" }')
      }
      const document = fromTyped(value)
      return key === undefined ? { store, document } : { store, key: fromTyped(key), document }
    })
  }
  if (!isBegun) throw badLine(1, 'there is no header')
}

function headerOf({ line, text, error }) {
  if (error !== undefined) throw error
  let header
  try {
    header = JSON.parse(text)
  } catch (cause) {
    throw badLine(line, `the header is not JSON: ${cause.message}`, cause)
  }
  const version = Object(header).lodestore
  if (!Number.isInteger(version) || !Array.isArray(header.stores)) {
    const message =
      'it is not the header of a whole database; for the documents of one store, give options.store'
    throw badLine(line, message)
  }
  if (version > FORMAT_VERSION) {
    const message =
      `The source has version ${version} of the format, and this release reads ` +
      `up to ${FORMAT_VERSION}`
    throw new LodestoreError('INCOMPATIBLE_VERSION', message)
  }
  return header
}

/** Reads a part; what cannot be read is an item with an error, too. */
function itemOf({ line, text, error }, read) {
  if (error !== undefined) return { line, error }
  try {
    return { line, ...read(text) }
  } catch (cause) {
    return { line, error: badLine(line, cause.message, cause) }
  }
}

/* Columns */

function columnsOf(names, types) {
  const unknown = Object.keys(types).find((name) => !names.includes(name))
  if (unknown !== undefined) throw badLine(undefined, `there is no column '${unknown}'`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw badLine(undefined, `there are two columns '${twice}'`)
  return names.map((name) => ({
    name,
    path: name.split('.'),
    read: CELLS[types[name] ?? 'string'],
  }))
}

function documentOf(columns, { cells, quoted }) {
  if (cells.length !== columns.length) {
    throw new Error(`it has ${cells.length} fields, and there are ${columns.length} columns`)
  }
  const document = {}
  for (const [i, { name, path, read }] of columns.entries()) {
    // Nothing, other than an empty text.
    if (cells[i] === '' && !quoted[i]) continue
    const value = read(cells[i])
    if (value === undefined) throw new Error(`'${name}' cannot be read as what options.types says`)
    setAt(document, path, value, name)
  }
  return document
}

function setAt(document, path, value, name) {
  let object = document
  for (const segment of path.slice(0, -1)) {
    if (!Object.hasOwn(object, segment)) define(object, segment, {})
    object = object[segment]
    if (typeof object !== 'object' || object === null) {
      throw new Error(`'${name}' lies within another column`)
    }
  }
  define(object, path.at(-1), value)
}

function define(object, name, value) {
  const property = { value, enumerable: true, writable: true, configurable: true }
  Object.defineProperty(object, name, property)
}

/** What cells are read as; undefined if they are not that. */
const CELLS = Object.freeze({
  string: (text) => text,
  number: (text) => (Number.isNaN(Number(text)) || text.trim() === '' ? undefined : Number(text)),
  bigint: (text) => (/^-?\d+$/.test(text) ? BigInt(text) : undefined),
  boolean: (text) => ({ true: true, false: false })[text],
  date(text) {
    const date = new Date(text)
    return Number.isNaN(date.getTime()) ? undefined : date
  },
  json: (text) => JSON.parse(text),
})

module.exports = { readArray, readDatabase, readLines, readRows }
