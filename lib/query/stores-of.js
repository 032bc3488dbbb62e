'use strict'

/**
 * The names of the other stores that stages read or write, also in the stages within them. What is
 * no stage names none; the native library refuses it.
 *
 * @param {unknown} stages captured
 * @returns {Generator<string>}
 */
function* storesOf(stages) {
  if (!Array.isArray(stages)) return
  for (const stage of stages) {
    const { $lookup, $unionWith, $facet, $out, $merge } = Object(stage)
    yield* named($lookup, 'from')
    yield* named($unionWith, 'coll')
    yield* named($out, 'coll')
    yield* named($merge, 'into')
    for (const part of Object.values(Object($facet))) yield* storesOf(part)
  }
}

/** A store that an operand is, or has under a name, and those of its pipeline. */
function* named(operand, name) {
  if (typeof operand === 'string') yield operand
  if (typeof operand !== 'object' || operand === null) return
  if (typeof operand[name] === 'string') yield operand[name]
  yield* storesOf(operand.pipeline)
}

module.exports = { storesOf }
