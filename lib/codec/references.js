'use strict'

/** Objects of one document that are found by a linear scan; beyond, a Map is faster. */
const LINEAR = 40

/** Where each object of a document stands, so that it is written once. */
class References {
  constructor() {
    this.objects = new Array(LINEAR).fill(null)
    this.offsets = new Array(LINEAR).fill(0)
    this.count = 0
    /** @type {Map<object, number> | null} the objects after the first 40 */
    this.rest = null
  }

  /**
   * Notes that `object` is written at `offset`.
   *
   * @returns {number} where it stands already, or -1 if it is new
   */
  add(object, offset) {
    const { objects, count } = this
    for (let i = 0; i < count; i++) if (objects[i] === object) return this.offsets[i]
    if (count < LINEAR) {
      objects[count] = object
      this.offsets[count] = offset
      this.count = count + 1
      return -1
    }
    return this.addToRest(object, offset)
  }

  addToRest(object, offset) {
    this.rest ??= new Map()
    const known = this.rest.get(object)
    if (known !== undefined) return known
    this.rest.set(object, offset)
    return -1
  }

  /** Forgets what stands behind `offset`. */
  rollback(offset) {
    while (this.count > 0 && this.offsets[this.count - 1] > offset) this.dropLast()
    if (this.rest === null) return
    for (const [object, at] of this.rest) if (at > offset) this.rest.delete(object)
  }

  dropLast() {
    this.count--
    this.objects[this.count] = null
  }

  clear() {
    while (this.count > 0) this.dropLast()
    this.rest = null
  }
}

module.exports = { References }
