/** Ranges of keys, as data that a run can be replayed from. */

import { KeyRange } from '../../index.js'
import { compareKeys, isStoreKey, type Key } from './keys'

/** A range; a bound that is absent is undefined. */
export interface Query {
  lower?: Key
  upper?: Key
  lowerOpen?: boolean
  upperOpen?: boolean
  /** How it is handed to the database. */
  form: 'everything' | 'key' | 'bounds' | 'range'
}

/** Options of reads of many rows. */
export interface ReadOptions {
  reverse?: boolean
  limit?: number
  offset?: number
  unique?: boolean
}

/** What a database is given for a range: a key, bounds, a KeyRange or nothing. */
export function argumentOf(query: Query): any {
  const { lower, upper, lowerOpen = false, upperOpen = false, form } = query
  if (form === 'everything') return undefined
  if (form === 'key') return lower
  if (form === 'range' && canBeKeyRange(query)) {
    if (lower === undefined) return KeyRange.upperBound(upper as never, upperOpen)
    if (upper === undefined) return KeyRange.lowerBound(lower as never, lowerOpen)
    return KeyRange.bound(lower as never, upper as never, lowerOpen, upperOpen)
  }
  const bounds: Record<string, Key> = {}
  if (lower !== undefined) bounds[lowerOpen ? 'gt' : 'gte'] = lower
  if (upper !== undefined) bounds[upperOpen ? 'lt' : 'lte'] = upper
  return bounds
}

/** A KeyRange takes keys of stores only, and refuses bounds between which there is nothing. */
function canBeKeyRange({ lower, upper, lowerOpen, upperOpen }: Query): boolean {
  for (const bound of [lower, upper]) if (bound !== undefined && !isStoreKey(bound)) return false
  if (lower === undefined || upper === undefined) return lower !== upper
  const order = compareKeys(lower, upper)
  return order < 0 || (order === 0 && lowerOpen !== true && upperOpen !== true)
}

/** Whether something is in a range, by how it compares with a bound. */
export function isWithin(query: Query, compare: (bound: Key) => number): boolean {
  const { lower, lowerOpen, upper, upperOpen, form } = query
  if (form === 'everything') return true
  if (form === 'key') return compare(lower!) === 0
  if (lower !== undefined) {
    const order = compare(lower)
    if (order < 0 || (order === 0 && lowerOpen)) return false
  }
  if (upper !== undefined) {
    const order = compare(upper)
    if (order > 0 || (order === 0 && upperOpen)) return false
  }
  return true
}
