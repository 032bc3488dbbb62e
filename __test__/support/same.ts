/**
 * Whether two values have the same structure: types, −0, NaN, invalid dates, holes and bytes
 * included; the order of fields and which objects are one and the same are not looked at.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return Object.is(a, b)
  }
  if (a === b) return true
  const prototype = Object.getPrototypeOf(a)
  if (prototype !== Object.getPrototypeOf(b)) return false
  if (prototype === Object.prototype) return hasSameFields(a, b)
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && hasSameFields(a, b)
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime())
  if (a instanceof ArrayBuffer || ArrayBuffer.isView(a)) {
    return bytesOf(a).equals(bytesOf(b as ArrayBuffer))
  }
  if (a instanceof Map) return isSame([...a], [...(b as Map<unknown, unknown>)])
  if (a instanceof Set) return isSame([...a], [...(b as Set<unknown>)])
  if (a instanceof Error) {
    return a.message === (b as Error).message && hasSameFields(a, b)
  }
  const isBoxed = a instanceof Boolean || a instanceof Number || a instanceof String
  if (isBoxed && !Object.is(a.valueOf(), b.valueOf())) return false
  return String(a) === String(b) && hasSameFields(a, b)
}

function hasSameFields(a: object, b: object): boolean {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  for (const name of names) {
    if (!Object.hasOwn(b, name)) return false
    if (!isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])) {
      return false
    }
  }
  return true
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Buffer {
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
