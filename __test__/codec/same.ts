import assert from 'node:assert/strict'

type Pair = { actual: unknown; expected: unknown; path: string }

/**
 * Asserts that two values have the same structure: types, −0, NaN, holes, field order, and which
 * objects are one and the same.
 */
export function assertSame(actual: unknown, expected: unknown, note = ''): void {
  const twins = new Map<object, object>()
  const taken = new Set<object>()
  const pairs: Pair[] = [{ actual, expected, path: '' }]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const { actual: a, expected: e, path } = pair
    if (typeof e !== 'object' || e === null) {
      if (!Object.is(a, e)) assert.fail(`${note} ${path}: ${String(a)} is not ${String(e)}`)
      continue
    }
    if (typeof a !== 'object' || a === null) assert.fail(`${note} ${path}: no object: ${String(a)}`)
    const twin = twins.get(e)
    if (twin !== undefined) {
      if (twin !== a) assert.fail(`${note} ${path}: not the same object as before`)
      continue
    }
    if (taken.has(a)) assert.fail(`${note} ${path}: one object for two`)
    twins.set(e, a)
    taken.add(a)
    compare(a, e, path, pairs)
  }
}

function compare(a: object, e: object, path: string, pairs: Pair[]): void {
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(e)) assert.fail(`prototype at ${path}`)
  if (ArrayBuffer.isView(e) || e instanceof ArrayBuffer) {
    assert.deepEqual(bytesOf(a as ArrayBufferView), bytesOf(e), path)
    return
  }
  const names = keysOf(e)
  const found = keysOf(a)
  if (found.length !== names.length || found.some((name, i) => name !== names[i])) {
    assert.deepEqual(found, names, `keys at ${path}`)
  }
  for (const name of names) {
    const actual = a[name as keyof typeof a] as unknown
    const expected = e[name as keyof typeof e] as unknown
    if (isEnumerable(a, name) !== isEnumerable(e, name)) {
      assert.fail(`${path}.${String(name)} should be as enumerable as before`)
    }
    if (typeof expected !== 'object' && Object.is(actual, expected)) continue
    pairs.push({ actual, expected, path: `${path}.${String(name)}` })
  }
  if (e instanceof Map) {
    push([...(a as Map<unknown, unknown>)].flat(), [...e].flat(), `${path}<map>`, pairs)
  } else if (e instanceof Set) {
    push([...(a as Set<unknown>)], [...e], `${path}<set>`, pairs)
  } else if (e instanceof RegExp) {
    assert.equal(String(a), String(e), path)
  } else if (e instanceof Date) {
    assert.ok(Object.is(Number(a), Number(e)), path)
  } else if (e instanceof Number || e instanceof Boolean || e instanceof BigInt) {
    pairs.push({ actual: a.valueOf(), expected: e.valueOf(), path: `${path}<boxed>` })
  }
}

function isEnumerable(object: object, name: string | symbol): boolean {
  return Object.prototype.propertyIsEnumerable.call(object, name)
}

/** Where an error was made, as JavaScriptCore notes it; V8 has nothing of it. */
const POSITION = new Set(Object.getOwnPropertyNames(new Error()).filter((name) => name !== 'stack'))

/** The order of an error's fields is the engine's. */
function keysOf(object: object): (string | symbol)[] {
  const keys = Reflect.ownKeys(object)
  if (!(object instanceof Error)) return keys
  const isPosition = (key: string) => POSITION.has(key) && !isEnumerable(object, key)
  return keys.filter((key) => typeof key === 'symbol' || !isPosition(key)).sort()
}

function push(actual: unknown[], expected: unknown[], path: string, pairs: Pair[]): void {
  assert.equal(actual.length, expected.length, path)
  expected.forEach((item, i) =>
    pairs.push({ actual: actual[i], expected: item, path: `${path}[${i}]` }),
  )
}

function bytesOf(value: ArrayBufferView | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}
