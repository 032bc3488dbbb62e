'use strict'

const {
  abortSignal,
  anything,
  callback,
  checkOptions,
  integer,
  invalidArgument,
  isOptionsObject,
  nonEmptyString,
  oneOf,
} = require('../options/check')

const FORMATS = ['ndjson', 'json', 'csv']
const TYPES = ['string', 'number', 'bigint', 'boolean', 'date', 'json']

/** @type {import('../options/check').Kind} */
const columns = {
  allows: 'an array of different paths of fields',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((name) => typeof name === 'string' && name !== '') &&
    new Set(value).size === value.length,
}

/** @type {import('../options/check').Kind} */
const separator = {
  allows: 'one letter that is no quote and ends no line',
  accepts: (value) => typeof value === 'string' && /^[^"\r\n]$/u.test(value),
}

/** @type {import('../options/check').Kind} */
const columnTypes = {
  allows: `an object of columns and ${TYPES.map((type) => `'${type}'`).join(', ')}`,
  accepts: (value) =>
    isOptionsObject(value) && Object.values(value).every((type) => TYPES.includes(type)),
}

const COMMON = {
  store: nonEmptyString,
  format: oneOf(...FORMATS),
  columns,
  separator,
  onProgress: callback,
  signal: abortSignal,
}

/** @type {import('../options/check').Kind} */
const most = {
  allows: 'a whole number from 0 up, or Infinity',
  accepts: (value) => value === Infinity || (Number.isInteger(value) && value >= 0),
}

const IMPORT = {
  ...COMMON,
  types: columnTypes,
  batch: integer(1, 100_000),
  onExisting: oneOf('replace', 'refuse', 'keep'),
  maxErrors: most,
  checkpoint: anything,
}

/** Checks the options of `exportTo`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkExport(options) {
  return checked('exportTo', options, COMMON)
}

/** Checks the options of `importFrom`. @throws {LodestoreError} INVALID_ARGUMENT */
function checkImport(options) {
  const given = checked('importFrom', options, IMPORT)
  if (given.checkpoint === undefined) return given
  const CHECKPOINT = { store: nonEmptyString, key: anything }
  const place = checkOptions('importFrom', given.checkpoint, CHECKPOINT, 'options.checkpoint')
  if (place.store === undefined || place.key === undefined) {
    const message = 'importFrom: options.checkpoint must have a store and a key'
    throw invalidArgument(message, 'options.checkpoint')
  }
  return { ...given, checkpoint: place }
}

function checked(method, options, specification) {
  const given = checkOptions(method, options, specification)
  const { format = 'ndjson', store } = given
  if (store === undefined && format !== 'ndjson') {
    const message = `${method}: the format '${format}' is for one store, which options.store names`
    throw invalidArgument(message, 'options.store')
  }
  for (const name of ['columns', 'separator', 'types']) {
    if (given[name] === undefined || format === 'csv') continue
    const message = `${method}: options.${name} is for the format 'csv'`
    throw invalidArgument(message, `options.${name}`)
  }
  return given
}

module.exports = { checkExport, checkImport }
