import assert from 'node:assert/strict'
import { Blob, File } from 'node:buffer'
import { test } from 'node:test'
import vm from 'node:vm'
import {
  DocumentDecoder,
  DocumentEncoder,
  ShapeTable,
  WriteBuffer,
  collectBlobs,
} from '../../lib/codec/index.js'
import { assertSame } from './same'

function encode(value: unknown, options = {}, blobs: Map<object, Uint8Array> | null = null) {
  const writer = new WriteBuffer()
  const shapes = new ShapeTable({ load() {} })
  new DocumentEncoder(options).encode(value, shapes, writer, null, blobs)
  return Buffer.from(writer.buffer.subarray(0, writer.position))
}

function decode(bytes: Buffer): unknown {
  return new DocumentDecoder().decode(bytes, 0, bytes.length, new ShapeTable({ load() {} }))
}

function roundTrip<T>(value: T, options = {}): T {
  return decode(encode(value, options)) as T
}

test('scalars survive, negative zero and NaN included', () => {
  for (const value of [
    null,
    undefined,
    true,
    false,
    0,
    -0,
    NaN,
    Infinity,
    -257,
    2 ** 31,
    0n,
    -5n,
  ]) {
    assert.ok(Object.is(roundTrip(value), value), String(value))
  }
  assert.equal(roundTrip(2n ** 5000n - 1n), 2n ** 5000n - 1n)
})

test('strings survive in the shortest of three forms', () => {
  for (const unit of ['a', 'é', '日', '😀', '\ud800', '\0']) {
    for (const length of [0, 1, 12, 23, 24, 63, 64, 127, 128, 255, 256, 1000, 70000]) {
      const text = unit.repeat(length)
      assert.equal(roundTrip(text), text)
      assert.equal(roundTrip(`${text}a日`), `${text}a日`)
    }
  }
  assert.equal(encode('日'.repeat(100))[0], 0xde, 'UTF-16 where it is shorter')
  assert.equal(encode(`${'a'.repeat(300)}日`)[0], 0xdd, 'UTF-8 where it is shorter')
})

test('own fields keep their order and are own fields, whatever their names', () => {
  const value = JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3,"1":4,"":5}')
  for (const decoded of [roundTrip(value), roundTrip([value, value, { ...value }])[0]]) {
    assertSame(decoded, value)
    assert.equal(Object.getPrototypeOf(decoded), Object.prototype)
  }
})

test('class instances and objects without prototype become plain objects', () => {
  class Animal {
    legs = 4
    #hidden = 1
    get inherited() {
      return this.#hidden
    }
  }
  class Dog extends Animal {
    name = 'Rex'
    get [Symbol.toStringTag]() {
      return 'Map'
    }
  }
  assertSame(roundTrip(new Dog() as object), { legs: 4, name: 'Rex' })
  assertSame(roundTrip(Object.assign(Object.create(null), { a: 1 })), { a: 1 })
  assertSame(roundTrip(Object.create({ inherited: 1 }, {})), {})
  const own = { shown: 1, [Symbol('s')]: 2 }
  Object.defineProperty(own, 'hidden', { value: 3 })
  assertSame(roundTrip(own as object), { shown: 1 })
})

test('getters are read once, and proxies are read as plain objects', () => {
  let reads = 0
  const value = {
    get a() {
      return ++reads
    },
  }
  assertSame(roundTrip(value as object), { a: 1 })
  assertSame(roundTrip(new Proxy({ a: 1 }, {})), { a: 1 })
  assertSame(roundTrip(new Proxy([1, 2], {})), [1, 2])
})

test('fields that a getter removes are left out, as in structured clone', () => {
  const make = () => {
    const value: Record<string, unknown> = { first: 0 }
    Object.defineProperty(value, 'remove', {
      enumerable: true,
      get() {
        delete value.later
        return [value.first]
      },
    })
    value.later = 1
    value.last = 2
    return value
  }
  const shapes = new ShapeTable({ load() {} })
  shapes.add(0, ['first', 'remove', 'later', 'last'])
  for (const table of [shapes, new ShapeTable({ load() {} })]) {
    const writer = new WriteBuffer()
    const end = new DocumentEncoder().encode(make(), table, writer)
    const decoded = new DocumentDecoder().decode(writer.buffer, 0, end, table)
    assertSame(decoded, structuredClone(make()))
  }
})

test('arrays that change while they are read end, and keep what is left', () => {
  const shrinking: unknown[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  Object.defineProperty(shrinking, 1, {
    get() {
      shrinking.length = 4
      return 'two'
    },
  })
  const decoded = roundTrip(shrinking)
  assert.deepEqual(Object.entries(decoded), Object.entries([1, 'two', 3, 4]))
  assert.equal(decoded.length, 10)
  const lying = new Proxy([1, 2], { has: () => true, ownKeys: () => ['0', '1', '5', 'length'] })
  assertSame(roundTrip(lying), [1, 2])
  const long = new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 32 + 9.5 : undefined) })
  assertSame(roundTrip(long), new Array(9))
})

test('enumerable fields on Object.prototype are not stored', () => {
  // oxlint-disable-next-line no-extend-native -- what old libraries do is the point
  Object.defineProperty(Object.prototype, 'polluted', {
    value: 1,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  try {
    assert.deepEqual(Object.keys(roundTrip({ a: 1 })), ['a'])
    assert.deepEqual(Object.keys(roundTrip({ polluted: 2 })), ['polluted'])
  } finally {
    delete (Object.prototype as Record<string, unknown>).polluted
  }
})

test('holes and sparse arrays stay holes', () => {
  // oxlint-disable-next-line no-sparse-arrays -- holes are the point
  assertSame(roundTrip([, 1, , undefined, ,]), [, 1, , undefined, ,])
  const sparse: unknown[] = []
  sparse[5] = 'a'
  sparse[4_000_000_000] = 'b'
  assertSame(roundTrip(sparse), sparse)
  assert.ok(encode(sparse).length < 40)
  assert.equal(roundTrip(new Array(1_000_000)).length, 1_000_000)
})

test('named fields of arrays are stored on request only', () => {
  const named = Object.assign([1, 2], { name: 'x', other: [3] })
  assertSame(roundTrip(named), [1, 2])
  assertSame(roundTrip(named, { namedArrayFields: true }), named)
  const cyclic = Object.assign([] as unknown[], { self: null as unknown })
  cyclic.self = cyclic
  assertSame(roundTrip(cyclic, { namedArrayFields: true }), cyclic)
})

test('dates, expressions, boxed values, maps and sets survive', () => {
  assertSame(roundTrip(new Date(NaN)), new Date(NaN))
  assertSame(roundTrip(Object(-0)), Object(-0))
  assertSame(roundTrip(Object('text')), Object('text'))
  const expression = /a\/b/giy
  expression.lastIndex = 5
  assertSame(roundTrip(expression), /a\/b/giy)
  assert.equal(roundTrip(expression).lastIndex, 0)
  const map = new Map<unknown, unknown>([[NaN, -0]])
  map.set(map, new Set([map]))
  assertSame(roundTrip(map), map)
  class Extended extends Map {}
  assertSame(roundTrip(new Extended([[1, 2]]) as object), new Map([[1, 2]]))
})

test('errors keep type, message, stack, cause, errors and own fields', () => {
  class HttpError extends TypeError {
    status = 404
  }
  const error = new HttpError('gone', { cause: new RangeError('deep') })
  const decoded = roundTrip({ error }).error
  assert.ok(decoded instanceof TypeError)
  assert.equal(Object.getPrototypeOf(decoded), TypeError.prototype)
  assert.equal(decoded.message, 'gone')
  assert.equal(decoded.stack, error.stack)
  assert.equal(decoded.status, 404)
  assert.ok(decoded.cause instanceof RangeError)
  const aggregate = roundTrip(new AggregateError([new Error('one'), 2]))
  assert.equal(aggregate.errors[0].message, 'one')
  const bare = new Error()
  delete bare.stack
  assert.deepEqual(Reflect.ownKeys(roundTrip(bare)), [])
  const dom = roundTrip(new DOMException('stop', 'AbortError'))
  assert.ok(dom instanceof DOMException)
  assert.deepEqual([dom.name, dom.message, dom.code], ['AbortError', 'stop', 20])
})

test('each view is stored as its window, and never shares memory with the input', () => {
  const buffer = Uint8Array.from({ length: 16 }, (_, i) => i).buffer
  const value = { a: new Uint8Array(buffer, 4, 4), b: new Uint16Array(buffer, 4, 2), buffer }
  const bytes = encode(value)
  const decoded = decode(bytes) as typeof value
  bytes.fill(0)
  assertSame(decoded, value)
  assert.equal(decoded.a.buffer.byteLength, 4)
  assert.notEqual(decoded.a.buffer, decoded.b.buffer)
  const node = roundTrip(Buffer.from('text'))
  assert.equal(Object.getPrototypeOf(node), Uint8Array.prototype)
  assert.deepEqual([...node], [...Buffer.from('text')])
})

test('values of other realms keep their types', () => {
  const foreign = vm.runInNewContext(
    `({ date: new Date(5), list: [1, { a: 1 }], map: new Map([[1, 2]]),
        error: new TypeError("x") })`,
  )
  const decoded = roundTrip(foreign)
  assert.ok(decoded.date instanceof Date && Number(decoded.date) === 5)
  assertSame(decoded.list, [1, { a: 1 }])
  assertSame(decoded.map, new Map([[1, 2]]))
  assert.equal(Object.getPrototypeOf(decoded.error), TypeError.prototype)
})

test('NaN has one form, whichever one was made', () => {
  const canonical = 'f87f'.padStart(16, '0')
  for (const form of ['f87f', 'f8ff', 'f07f']) {
    const bytes = Buffer.from(`01000000 0000${form}`.replace(' ', ''), 'hex')
    const made = bytes.readDoubleLE()
    assert.equal(encode(made).toString('hex'), `d9${canonical}`)
    assert.equal(encode(new Date(made)).toString('hex'), `e4${canonical}`)
    const copy = decode(Buffer.concat([Buffer.of(0xd9), bytes]))
    assert.equal(encode(copy).toString('hex'), `d9${canonical}`)
  }
})

test('shared and cyclic references stay what they are', () => {
  const shared = { deep: [1] }
  const value: Record<string, unknown> = { a: shared, b: [shared, shared.deep] }
  value.self = value
  const many = Array.from({ length: 100 }, (_, i) => ({ i }))
  value.many = [...many, ...many]
  assertSame(roundTrip(value), value)
})

test('blobs and files whose bytes were read before survive', async () => {
  const blob = new Blob(['héllo'], { type: 'text/plain' })
  const file = new File(['f'], 'é.txt', { type: 'text/x', lastModified: 1234 })
  const value = { blob, list: [file, blob], map: new Map([[1, file]]) }
  const found = collectBlobs(value)
  assert.deepEqual(new Set(found), new Set([blob, file]))
  const bytes = new Map<object, Uint8Array>()
  for (const each of found) bytes.set(each, new Uint8Array(await each.arrayBuffer()))
  const decoded = decode(encode(value, {}, bytes)) as typeof value
  assert.ok(decoded.blob instanceof Blob && decoded.list[0] instanceof File)
  assert.equal(decoded.list[1], decoded.blob)
  assert.equal(await decoded.blob.text(), 'héllo')
  assert.equal(decoded.blob.type, blob.type)
  const copy = decoded.list[0] as File
  assert.deepEqual([copy.name, copy.lastModified, copy.type], ['é.txt', 1234, 'text/x'])
})

test('values are stored to a depth of 1,000', () => {
  const nest = (depth: number) => {
    let value: unknown = 1
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value }
    return value
  }
  assertSame(roundTrip(nest(1000)), nest(1000))
  assert.throws(() => encode(nest(1001)), { code: 'DATA_CLONE' })
})
