'use strict'

const REDACTED = '[redacted]'

/** Names under which secrets stand. */
const SECRET = new RegExp(
  'pass(?:word|phrase|wd)?s?$|secret|token|credential|^key$|' +
    '(?:api|private|data|recovery|encryption|master|access|signing|session)_?keys?$',
  'i',
)

const KEY_SCHEMES = ['uuidv7', 'sequence', 'timestamp', 'datePrefix', 'shortCode']

/**
 * A copy of options for logs, without secrets: what stands under names such as `passphrase`, and
 * what `encryption` holds besides the names of algorithms. Of bytes only their number is told.
 *
 * @param {unknown} options
 * @returns {unknown}
 */
function redact(options) {
  return copy(options, false, new Set())
}

function copy(value, isSecret, path) {
  if (isSecret && value !== undefined && value !== null) return REDACTED
  if (typeof value === 'function') return '[function]'
  if (typeof value !== 'object' || value === null) return value
  if (path.has(value)) return '[circular]'
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `[${value.byteLength} bytes]`
  }
  path.add(value)
  const copied = Array.isArray(value)
    ? value.map((item) => copy(item, false, path))
    : fieldsOf(value, path)
  path.delete(value)
  return copied
}

function fieldsOf(object, path) {
  const fields = {}
  for (const [name, value] of Object.entries(object)) {
    if (name === 'encryption') fields[name] = encryptionOf(value, path)
    // How keys are made is no secret: `key: 'uuidv7'` in a store's definition.
    else if (name === 'key' && KEY_SCHEMES.includes(value)) fields[name] = value
    else fields[name] = copy(value, SECRET.test(name), path)
  }
  return fields
}

/** Names of algorithms and their parameters are no secrets; everything else is taken for one. */
function encryptionOf(value, path) {
  if (typeof value !== 'object' || value === null) return REDACTED
  const fields = {}
  for (const [name, part] of Object.entries(value)) {
    fields[name] = name === 'cipher' || name === 'kdf' ? copy(part, false, path) : REDACTED
  }
  return fields
}

module.exports = { redact }
