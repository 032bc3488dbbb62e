'use strict'

/**
 * A reader that makes the object with one literal. A computed name makes `__proto__` a field.
 *
 * @param {readonly string[]} names
 * @param {(decoder: object) => unknown} readValue reads one value
 */
function generateReader(names, readValue) {
  const fields = names.map((name) => {
    const key = JSON.stringify(name)
    return `${name === '__proto__' ? `[${key}]` : key}: readValue(decoder)`
  })
  const body = `return function readShape(decoder) { return { ${fields.join(', ')} } }`
  return new Function('readValue', body)(readValue)
}

module.exports = { generateReader }
