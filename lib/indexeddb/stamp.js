'use strict'

/** What `super` returns becomes `this`: a subclass can add its private fields to any object. */
class Identity {
  constructor(object) {
    // oxlint-disable-next-line no-constructor-return
    return object
  }
}

/**
 * A private field for objects of other classes. It does what a WeakMap does, faster and with less
 * work for the garbage collector.
 *
 * @returns {{ set: (object: object, value: unknown) => void, get: (object: object) => any }} each
 *   object gets its value once
 */
function privateField() {
  class Field extends Identity {
    #value

    constructor(object, value) {
      super(object)
      this.#value = value
    }

    static set(object, value) {
      return new Field(object, value)
    }

    static get(object) {
      return #value in object ? object.#value : undefined
    }
  }
  return Field
}

module.exports = { privateField }
