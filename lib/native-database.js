'use strict'

/** Calls that read the state which all reads of a turn share, and so hold it; see Turn. */
const HOLDING = new Set([
  'catalog',
  'catalogVersion',
  'createIndex',
  'readAsync',
  'shapeCount',
  'shapes',
  'snapshot',
])

/** Classes of guarded calls, by the prototype of what they guard. */
const classes = new WeakMap()

/**
 * The class whose instances have the calls of a prototype, guarded; made once.
 *
 * @param {object} prototype
 */
const guardedClass = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (prototype) {
    let known = classes.get(prototype)
    if (known !== undefined) return known
    known = class Guarded {
      constructor(native, turn, errorOf) {
        this.native = native
        this.turn = turn
        this.errorOf = errorOf
      }
    }
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name !== 'constructor') known.prototype[name] = guarded(name, HOLDING.has(name))
    }
    classes.set(prototype, known)
    return known
  }
)

const guarded = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (name, holds) {
    return /** @satisfies {Function} in parentheses: compiled with the module */ (
      function (...args) {
        if (holds) this.turn.hold()
        try {
          return this.native[name](...args)
        } catch (error) {
          throw this.errorOf(error)
        }
      }
    )
  }
)

/**
 * The calls of an open database of the native library, made safe: what they throw is a
 * LodestoreError, and what they hold is let go of at the end of the turn.
 *
 * @param {object} native a NativeDatabase
 * @param {import('./turn').Turn} turn
 * @param {(reason: unknown) => Error} errorOf
 * @returns {object} an object with methods of the same names
 */
const guardNative = /** @satisfies {Function} in parentheses: compiled with the module */ (
  function (native, turn, errorOf) {
    const Guarded = guardedClass(Object.getPrototypeOf(native))
    return new Guarded(native, turn, errorOf)
  }
)

module.exports = { guardNative, guardedClass }
