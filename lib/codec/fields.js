'use strict'

const { readValue } = require('./decode')

/** Reads fields by assignment: for names that no prototype has. */
const readAssigned = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (decoder, object, names) {
    for (let i = 0; i < names.length; i++) object[names[i]] = readValue(decoder)
    return object
  }
)

/** Reads fields by definition: `__proto__` and names that Object.prototype has stay own fields. */
function readDefined(decoder, object, names) {
  for (let i = 0; i < names.length; i++) {
    Object.defineProperty(object, names[i], {
      value: readValue(decoder),
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
  return object
}

/** Whether every name can be assigned to a new object, which then has it as an own field. */
const areAssignable = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (names) {
    for (let i = 0; i < names.length; i++) if (names[i] in Object.prototype) return false
    return true
  }
)

function readFields(decoder, object, names) {
  return areAssignable(names)
    ? readAssigned(decoder, object, names)
    : readDefined(decoder, object, names)
}

module.exports = { readAssigned, readDefined, readFields, areAssignable }
