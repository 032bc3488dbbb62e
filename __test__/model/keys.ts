/**
 * Keys and their order, from the specification alone: Indexed Database API 3.0, "compare two keys",
 * with null and booleans below numbers for native indexes, and BigInts among the numbers.
 */

/** What a key is made of; arrays hold further keys. */
export type Key =
  null | boolean | number | bigint | Date | string | ArrayBuffer | Uint8Array | Key[]

/** Whether a value can be the key of a store. */
export function isStoreKey(value: unknown): value is Key {
  switch (typeof value) {
    case 'number':
      return !Number.isNaN(value)
    case 'bigint':
      return value >= -(2n ** 63n) && value < 2n ** 64n
    case 'string':
      return true
    case 'object':
      if (value instanceof Date) return !Number.isNaN(value.getTime())
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true
      if (!Array.isArray(value)) return false
      for (let i = 0; i < value.length; i++) {
        if (!(i in value) || !isStoreKey(value[i])) return false
      }
      return true
    default:
      return false
  }
}

/** Whether a value can be a component of a native index's key. */
export function isComponent(value: unknown): value is Key {
  return value === null || typeof value === 'boolean' || isStoreKey(value)
}

/** The key as the database gives it back: binary keys as ArrayBuffer, numbers where exact. */
export function normalized(key: Key): Key {
  if (typeof key === 'number') return key + 0
  if (typeof key === 'bigint') return BigInt(Number(key)) === key ? Number(key) : key
  if (ArrayBuffer.isView(key)) {
    return new Uint8Array(key.buffer, key.byteOffset, key.byteLength).slice().buffer
  }
  return Array.isArray(key) ? key.map(normalized) : key
}

function rankOf(key: Key): number {
  if (key === null) return 0
  if (key === false) return 1
  if (key === true) return 2
  if (typeof key === 'number' || typeof key === 'bigint') return 3
  if (key instanceof Date) return 4
  if (typeof key === 'string') return 5
  return Array.isArray(key) ? 7 : 6
}

function bytesOf(key: ArrayBuffer | Uint8Array): Uint8Array {
  return key instanceof ArrayBuffer ? new Uint8Array(key) : key
}

/** Negative, zero or positive, as `a` is below, at or above `b`. */
export function compareKeys(a: Key, b: Key): number {
  const rank = rankOf(a)
  const ranks = rank - rankOf(b)
  if (ranks !== 0 || rank < 3) return ranks
  if (rank === 4) return (a as Date).getTime() - (b as Date).getTime()
  if (rank === 6) return compareBytes(bytesOf(a as ArrayBuffer), bytesOf(b as ArrayBuffer))
  if (rank === 7) return compareLists(a as Key[], b as Key[])
  // Strings compare by code unit, numbers and BigInts exactly.
  const [left, right] = [a as number, b as number]
  if (left < right) return -1
  return left > right ? 1 : 0
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!
  }
  return a.length - b.length
}

/** Compares arrays element by element; a prefix is below what it begins. */
export function compareLists(a: readonly Key[], b: readonly Key[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareKeys(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}
