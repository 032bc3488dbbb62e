'use strict'

const { readValue } = require('./decode')
const { readAssigned, readDefined, areAssignable } = require('./fields')
const { generateReader } = require('./generate-reader')

/** Objects of a shape read before a reader is generated for it, which costs some 30 µs. */
const READS_BEFORE_CODEGEN = 12

let allowed

/** Whether code may be generated here: not where a content security policy forbids `eval`. */
function codegenAllowed() {
  if (allowed === undefined) {
    try {
      allowed = process.env.LODESTORE_CODEGEN !== '0' && new Function('return true')()
    } catch {
      allowed = false
    }
  }
  return allowed
}

/**
 * A function that reads the values of one object of a shape and returns the object.
 *
 * @param {import('./shapes').ShapeTable} table replaces its reader by a generated one in time
 * @param {number} id
 * @param {readonly string[]} names
 * @returns {(decoder: import('./decode').DocumentDecoder) => object}
 */
const makeReader = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (table, id, names) {
    const readFields = areAssignable(names) ? readAssigned : readDefined
    let reads = 0
    return /** @satisfies {Function} in parentheses: compiled with the module */ (
      function readShape(decoder) {
        if (reads++ >= READS_BEFORE_CODEGEN && table.mayGenerate()) {
          const reader = generateReader(names, readValue)
          table.readers[id] = reader
          return reader(decoder)
        }
        return readFields(decoder, {}, names)
      }
    )
  }
)

module.exports = { makeReader, codegenAllowed }
