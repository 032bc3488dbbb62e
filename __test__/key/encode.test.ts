import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import {
  MAX_DEPTH,
  compareKeys,
  copyKey,
  decodeIndexKey,
  decodeKey,
  encodeIndexKey,
  encodeIndexKeyToBuffer,
  encodeKey,
  encodeKeyToBuffer,
} from '../../lib/key/index.js'

function nested(depth: number): unknown[] {
  let array: unknown[] = []
  for (let i = 1; i < depth; i++) array = [array]
  return array
}

function detached<T extends ArrayBufferView | ArrayBuffer>(value: T): T {
  structuredClone(null, {
    transfer: [value instanceof ArrayBuffer ? value : value.buffer] as never,
  })
  return value
}

/** A view whose resizable buffer has shrunk below it. */
function outOfBounds(View: typeof Uint8Array | typeof DataView): ArrayBufferView {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(8, { maxByteLength: 8 })
  const view = new View(buffer, 4, 4)
  buffer.resize(2)
  return view
}

const cycle: unknown[] = [1]
cycle.push([cycle])

const invalid: [value: unknown, message: RegExp][] = [
  [undefined, /not undefined$/],
  [null, /not null$/],
  [true, /not a boolean$/],
  [NaN, /not NaN$/],
  [2n ** 64n, /not a BigInt below -2\^63 or above 2\^64-1$/],
  [Symbol('s'), /not a symbol$/],
  [() => 1, /not a function$/],
  [{}, /not an object$/],
  [Object.create(null), /not an object$/],
  [new Map(), /not an object of class Map$/],
  [Object(1), /not an object of class Number$/],
  [Object('a'), /not an object of class String$/],
  [/x/, /not an object of class RegExp$/],
  [new Date(NaN), /not an invalid Date$/],
  [Object.create(Date.prototype), /not an object of class Date$/],
  [Object.create(Array.prototype), /not an object of class Array$/],
  [new Proxy([], {}), /not a Proxy$/],
  [new Proxy(new Date(), {}), /not a Proxy$/],
  [Proxy.revocable([], {}), /not an object$/],
  [new SharedArrayBuffer(4), /not a SharedArrayBuffer$/],
  [
    new Uint8Array(new SharedArrayBuffer(4)),
    /not a view of a detached or shared buffer or out of its bounds$/,
  ],
  [detached(new ArrayBuffer(4)), /not a detached ArrayBuffer$/],
  [detached(new Uint8Array(4)), /not a view of a detached or shared buffer or out of its bounds$/],
  [
    detached(new DataView(new ArrayBuffer(4))),
    /not a view of a detached or shared buffer or out of its bounds$/,
  ],
  [outOfBounds(Uint8Array), /not a view of a detached or shared buffer or out of its bounds$/],
  [outOfBounds(DataView), /not a view of a detached or shared buffer or out of its bounds$/],
  [Object.assign(new Array(3), { 0: 1, 2: 2 }), /not an array with a hole \(at \[1\]\)$/],
  [[1, [2, ['x', undefined]]], /not undefined \(at \[1\]\[1\]\[1\]\)$/],
  [[1, [2], NaN], /not NaN \(at \[2\]\)$/],
  [[[true]], /not a boolean \(at \[0\]\[0\]\)$/],
  [[new Proxy([], {})], /not a Proxy \(at \[0\]\)$/],
  [[nested(3), new Array(2)], /not an array with a hole \(at \[1\]\[0\]\)$/],
  [cycle, /not an array that contains itself \(at \[1\]\[0\]\)$/],
  [nested(MAX_DEPTH + 1), /not an array nested deeper than 1,000 \(at (\[0\])+…\)$/],
]

test('what is not a key is refused by name and position', () => {
  for (const [value, message] of invalid) {
    const expected = { name: 'LodestoreError', code: 'INVALID_KEY', message }
    assert.throws(() => encodeKeyToBuffer(value), expected)
    assert.throws(() => compareKeys(1, value), expected)
    assert.throws(() => compareKeys(value, 1), expected)
  }
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  assert.throws(() => encodeKeyToBuffer([proxy]), { code: 'INVALID_KEY', message: /a Proxy/ })
})

test('holes are holes even if a prototype has an element', () => {
  const prototype = Object.assign(Object.create(Array.prototype), { 0: 'inherited' })
  const array = Object.setPrototypeOf(new Array(1), prototype)
  assert.throws(() => encodeKeyToBuffer(array), { code: 'INVALID_KEY', message: /hole/ })
  assert.throws(() => compareKeys(array, 1), { code: 'INVALID_KEY', message: /hole/ })
})

test('an array that claims to be long is refused at its first hole', () => {
  for (const length of [2 ** 32 - 1, 5e7]) {
    const array = new Array(length)
    assert.throws(() => compareKeys(array, 1), { code: 'INVALID_KEY', message: /hole/ })
    assert.throws(() => encodeKeyToBuffer(array), { code: 'INVALID_KEY', message: /hole/ })
  }
})

test('copies of keys have elements of their own, whatever Object.prototype has', () => {
  let calls = 0
  const setter = { configurable: true, set: () => calls++ }
  // oxlint-disable-next-line no-extend-native -- what other code does is the point
  Object.defineProperty(Object.prototype, '1', setter)
  try {
    const key = [0, 'one', 2]
    assert.deepEqual(Object.keys(copyKey(key) as object), ['0', '1', '2'])
    assert.equal(compareKeys(key, [0, 'one', 2]), 0)
  } finally {
    delete (Object.prototype as any)['1']
  }
  assert.equal(calls, 0)
})

test('null and booleans are keys of indexes only', () => {
  for (const value of [null, true, false, [null, [true]]]) {
    const encoded = encodeIndexKeyToBuffer(value)
    assert.deepEqual(decodeIndexKey(encoded, 0, encoded.length), value)
  }
  const message = /^A key of an index is null, .* not undefined \(at \[0\]\)$/
  assert.throws(() => encodeIndexKeyToBuffer([undefined]), { code: 'INVALID_KEY', message })
})

test('arrays may nest 1,000 deep and repeat as siblings', () => {
  const deep = encodeKeyToBuffer(nested(MAX_DEPTH))
  assert.equal(deep.length, 2 * MAX_DEPTH)
  assert.equal(compareKeys(decodeKey(deep), nested(MAX_DEPTH)), 0)
  const shared = ['x']
  const repeated = [shared, shared, [shared]]
  assert.deepEqual(decodeKey(encodeKeyToBuffer(repeated)), repeated)
  assert.equal(compareKeys(repeated, [['x'], ['x'], [['x']]]), 0)
})

test('an array that grows without bound is refused', () => {
  let array: unknown[] = ['0123456789']
  for (let i = 0; i < 40; i++) array = [array, array]
  const expected = { code: 'INVALID_KEY', message: /64 MiB/ }
  assert.throws(() => encodeKeyToBuffer(array), expected)
  assert.throws(() => encodeKeyToBuffer('x'.repeat(65 << 20)), expected)
  assert.throws(() => encodeKeyToBuffer(new Uint8Array(40 << 20)), expected)
})

test('the bytes of every view are those it shows', () => {
  const bytes = Uint8Array.from([9, 0, 1, 2, 3, 254, 255, 9])
  const views = [
    new Uint8Array(bytes.buffer, 1, 6),
    new Int16Array(bytes.buffer.slice(1, 7)),
    new DataView(bytes.buffer, 1, 6),
    Buffer.from(bytes.buffer, 1, 6),
    bytes.buffer.slice(1, 7),
    vm.runInNewContext('Uint8Array.from([0, 1, 2, 3, 254, 255])'),
  ]
  for (const view of views) {
    const encoded = encodeKeyToBuffer(view)
    assert.equal(encoded.toString('hex'), '60010101020203feff00')
    assert.deepEqual(decodeKey(encoded), bytes.buffer.slice(1, 7))
  }
  assert.deepEqual(decodeKey(encodeKeyToBuffer(new Uint8Array())), new ArrayBuffer(0))
})

test('subclasses cannot interfere', () => {
  class OddDate extends Date {
    override getTime(): number {
      return 7
    }
    override valueOf(): number {
      return 7
    }
  }
  class OddBytes extends Uint8Array {
    override get byteLength(): number {
      return 1_000_000
    }
  }
  class OddArray extends Array {
    override *[Symbol.iterator](): ArrayIterator<never> {}
  }
  assert.deepEqual(decodeKey(encodeKeyToBuffer(new OddDate(5))), new Date(5))
  assert.deepEqual(decodeKey(encodeKeyToBuffer(new OddBytes(2))), new ArrayBuffer(2))
  assert.deepEqual(decodeKey(encodeKeyToBuffer(OddArray.of(1, 2))), [1, 2])
  assert.deepEqual(decodeKey(encodeKeyToBuffer(vm.runInNewContext('[new Date(5)]'))), [new Date(5)])
})

test('accessors may encode other keys into the same buffer', () => {
  const buffer = Buffer.alloc(100)
  const array = [1, 2, 'three']
  Object.defineProperty(array, 1, {
    get() {
      encodeKey(['another', ['array']], buffer, 0)
      encodeKey('and a string', buffer, 0)
      return 2
    },
  })
  const end = encodeKey(array, buffer, 0)
  assert.deepEqual(decodeKey(buffer.subarray(0, end)), [1, 2, 'three'])
})

test('an encoder survives an accessor that throws', () => {
  const array = [1]
  Object.defineProperty(array, 0, {
    get() {
      throw new RangeError('from the accessor')
    },
  })
  assert.throws(() => encodeKeyToBuffer([[array]]), { message: 'from the accessor' })
  assert.deepEqual(decodeKey(encodeKeyToBuffer([1, ['a']])), [1, ['a']])
})

test('a short buffer is never overrun and says what it needs', () => {
  const values = [
    1,
    -0.1,
    2n ** 60n + 1n,
    new Date(),
    '',
    'short',
    'é\0€',
    'x'.repeat(24),
    'long '.repeat(50),
    '\0'.repeat(100),
    'é€'.repeat(100),
    '😀'.repeat(100),
    new Uint8Array(100),
    [],
    [1, 'a'],
    [['x'.repeat(2000)], 5],
    Array.from({ length: 10_000 }, (_, i) => i),
    'x'.repeat(100_000),
    'é'.repeat(3_000_000),
  ]
  for (const value of values) {
    const expected = encodeKeyToBuffer(value)
    for (const capacity of [0, 1, 2, 3, 5, 13, 40, 3000]) {
      const memory = Buffer.alloc(capacity + 64, 0xaa)
      const buffer = memory.subarray(0, capacity)
      const result = encodeKey(value, buffer, 3)
      assert.ok(memory.subarray(capacity).every((byte) => byte === 0xaa))
      if (result > 0) {
        assert.deepEqual(buffer.subarray(3, result), expected)
      } else {
        assert.ok(-result >= expected.length + 3 && -result > capacity)
        const enough = Buffer.alloc(-result)
        assert.deepEqual(enough.subarray(3, encodeKey(value, enough, 3)), expected)
      }
    }
    const exact = Buffer.alloc(expected.length + 20 + 2 * String(value).length)
    assert.deepEqual(exact.subarray(0, encodeKey(value, exact, 0)), expected)
  }
  assert.equal(encodeIndexKey(null, Buffer.alloc(2), 2), -3)
})

test('compound keys must be arrays within the number of components', () => {
  const two = [false, true]
  for (const value of ['a', null, { 0: 1, length: 1 }, new Proxy([], {}), [1, 2, 3]]) {
    assert.throws(() => encodeIndexKeyToBuffer(value, two), { code: 'INVALID_KEY' })
  }
  assert.throws(() => encodeIndexKeyToBuffer([1, undefined], two), {
    code: 'INVALID_KEY',
    message: /not undefined \(at \[1\]\)$/,
  })
  const whole = encodeIndexKeyToBuffer(['Paris', 30], two)
  const prefix = encodeIndexKeyToBuffer(['Paris'], two)
  assert.deepEqual(whole.subarray(0, prefix.length), prefix)
  assert.equal(encodeIndexKeyToBuffer([], two).length, 0)
})
