'use strict'

const { LodestoreError } = require('./errors')
const { encodeIndexKeyToBuffer, encodeKeyToBuffer } = require('./key')
const { SCAN } = require('./read-request')

/** Above every key that may follow an index key in an entry. */
const ABOVE_PRIMARY_KEYS = Buffer.of(0xff)
/** Makes the least byte string above an entry. */
const NEXT = Buffer.of(0)

/**
 * The point among the entries of a store or index at which a cursor goes on; see SCAN.BEGIN_AT.
 *
 * @param {object} target what the cursor moves over
 * @param {import('./scan-plan').ScanPlan} target.plan
 * @param {import('./catalog').IndexDefinition | null} target.index null for a store
 * @param {unknown} key an index key, or in a store the primary key
 * @param {unknown} primaryKey undefined for all documents of the index key
 * @param {boolean} behind whether the row with these keys is to be left out
 * @returns {Buffer}
 * @throws {LodestoreError} INVALID_KEY, INVALID_ARGUMENT
 */
function pointOf({ plan, index }, key, primaryKey, behind) {
  const reverse = (plan.flags & SCAN.REVERSE) !== 0
  // What is at the point is inside when going forward, outside in reverse.
  const above = reverse !== behind
  if (index === null) {
    if (primaryKey !== undefined && !behind)
      throw twoKeys('only a cursor of an index takes two keys')
    const entry = encodeKeyToBuffer(key)
    return above ? Buffer.concat([entry, NEXT]) : entry
  }
  const indexKey = encodeIndexKeyToBuffer(key, directions(index))
  const unique = (plan.flags & SCAN.UNIQUE) !== 0
  if (unique && primaryKey !== undefined && !behind) {
    throw twoKeys('a cursor that visits each index key once takes no primary key')
  }
  // Behind a part of a key, a primary key would be compared with the parts that are missing.
  const { parts, keyPath } = index
  if (primaryKey !== undefined && Array.isArray(keyPath) && key.length < parts.length) {
    throw twoKeys(`with a primary key, the key needs all ${parts.length} values`)
  }
  if (unique || primaryKey === undefined) {
    return above ? Buffer.concat([indexKey, ABOVE_PRIMARY_KEYS]) : indexKey
  }
  const entry = [indexKey, encodeKeyToBuffer(primaryKey)]
  return Buffer.concat(above ? [...entry, NEXT] : entry)
}

/** The directions of an index's parts, as its keys are encoded. */
function directions({ parts, keyPath }) {
  const descending = parts.map((part) => part.descending)
  return Array.isArray(keyPath) ? descending : descending[0]
}

function twoKeys(reason) {
  return new LodestoreError('INVALID_ARGUMENT', `seek: ${reason}`, { path: 'primaryKey' })
}

module.exports = { pointOf }
