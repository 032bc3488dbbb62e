import assert from 'node:assert/strict'
import { test } from 'node:test'
import vm from 'node:vm'
import { KeyRange, compareKeys, copyKey, toRange } from '../../lib/key/index.js'

interface Bounds {
  lower: unknown
  upper: unknown
  lowerOpen: boolean
  upperOpen: boolean
}

function fields({ lower, upper, lowerOpen, upperOpen }: Bounds): unknown[] {
  return [lower, upper, lowerOpen, upperOpen]
}

test('key ranges have the fields of IDBKeyRange', () => {
  assert.deepEqual(fields(KeyRange.only('a')), ['a', 'a', false, false])
  assert.deepEqual(fields(KeyRange.lowerBound(1)), [1, undefined, false, true])
  assert.deepEqual(fields(KeyRange.lowerBound(1, true)), [1, undefined, true, true])
  assert.deepEqual(fields(KeyRange.upperBound(1)), [undefined, 1, true, false])
  assert.deepEqual(fields(KeyRange.upperBound(1, true)), [undefined, 1, true, true])
  assert.deepEqual(fields(KeyRange.bound(1, 2)), [1, 2, false, false])
  assert.deepEqual(fields(KeyRange.bound(1, [], true, true)), [1, [], true, true])
  assert.deepEqual(fields(KeyRange.bound(2, 2)), [2, 2, false, false])
})

test('key ranges are immutable and come from the static methods', () => {
  const key = ['a']
  const range = KeyRange.lowerBound(key)
  key.push('b')
  assert.deepEqual(range.lower, ['a'])
  assert.throws(() => Object.assign(range, { lower: 1 }), TypeError)
  const Constructor = KeyRange as unknown as new () => unknown
  assert.throws(() => new Constructor(), { code: 'INVALID_ARGUMENT' })
})

test('ranges that IndexedDB refuses are refused', () => {
  const reversed = [
    [2, 1],
    ['a', new Date(0)],
    [[1], [0]],
  ]
  for (const [lower, upper] of reversed) {
    assert.throws(() => KeyRange.bound(lower, upper), { code: 'INVALID_ARGUMENT' })
  }
  assert.throws(() => KeyRange.bound(1, 1, true), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => KeyRange.bound(1, 1n, false, true), { code: 'INVALID_ARGUMENT' })
  for (const value of [undefined, null, true, NaN, {}, new Date(NaN)]) {
    assert.throws(() => KeyRange.only(value), { code: 'INVALID_KEY' })
    assert.throws(() => KeyRange.lowerBound(value), { code: 'INVALID_KEY' })
    assert.throws(() => KeyRange.upperBound(value), { code: 'INVALID_KEY' })
    assert.throws(() => KeyRange.bound(value, 1), { code: 'INVALID_KEY' })
    assert.throws(() => KeyRange.bound(1, value), { code: 'INVALID_KEY' })
    assert.throws(() => KeyRange.only(1).includes(value), { code: 'INVALID_KEY' })
  }
})

test('includes follows the bounds', () => {
  const cases: [
    KeyRange: { includes(key: unknown): boolean },
    inside: unknown[],
    outside: unknown[],
  ][] = [
    [KeyRange.only(5), [5, 5n], [4, 6, '5', new Date(5)]],
    [KeyRange.lowerBound(5), [5, 6, Infinity, new Date(0), '', []], [4.999, -Infinity]],
    [KeyRange.lowerBound(5, true), [5.001], [5, 5n]],
    [KeyRange.upperBound('b'), ['b', 'a', 7, new Date()], ['b\0', 'c', []]],
    [KeyRange.upperBound('b', true), ['a\uffff'], ['b']],
    [KeyRange.bound(1, 3, true, true), [2, 2n], [1, 3]],
    [KeyRange.bound(2 ** 53, 2n ** 53n + 2n, true, true), [2n ** 53n + 1n], [2 ** 53, 2 ** 53 + 2]],
    [KeyRange.bound(['a'], ['a', []]), [['a'], ['a', 1], ['a', 'z']], [['b'], 'a']],
  ]
  for (const [range, inside, outside] of cases) {
    for (const key of inside) assert.equal(range.includes(key), true)
    for (const key of outside) assert.equal(range.includes(key), false)
  }
})

test('a query is a range, a key, bounds or nothing', () => {
  const range = KeyRange.bound(1, 2)
  assert.equal(toRange(range), range)
  assert.deepEqual(fields(toRange(undefined)), [undefined, undefined, true, true])
  assert.deepEqual(fields(toRange(7)), [7, 7, false, false])
  assert.deepEqual(fields(toRange(['a', 1])), [['a', 1], ['a', 1], false, false])
  assert.deepEqual(fields(toRange(new Date(5))), [new Date(5), new Date(5), false, false])
  assert.deepEqual(fields(toRange({})), [undefined, undefined, true, true])
  assert.deepEqual(fields(toRange({ gt: 1 })), [1, undefined, true, true])
  assert.deepEqual(fields(toRange({ gte: 1, lt: 'x' })), [1, 'x', false, true])
  assert.deepEqual(fields(toRange({ lte: 'x' })), [undefined, 'x', true, false])
  assert.deepEqual(fields(toRange({ gt: 3, lt: 3 })), [3, 3, true, true])
  assert.deepEqual(fields(toRange(vm.runInNewContext('({ gte: 4 })'))), [4, undefined, false, true])
  assert.deepEqual(fields(toRange(Object.assign(Object.create(null), { lt: 4 }))), [
    undefined,
    4,
    true,
    true,
  ])
})

test('bounds with unknown, contradictory or undefined members are refused', () => {
  assert.throws(() => toRange({ gte: 1, lessThan: 5 }), {
    code: 'INVALID_ARGUMENT',
    message: /no member 'lessThan'/,
    path: 'lessThan',
  })
  assert.throws(() => toRange({ gt: 1, gte: 1 }), {
    code: 'INVALID_ARGUMENT',
    message: /gt and gte/,
  })
  assert.throws(() => toRange({ lte: 1, lt: 1 }), {
    code: 'INVALID_ARGUMENT',
    message: /lt and lte/,
  })
  assert.throws(() => toRange({ gte: undefined }), { code: 'INVALID_KEY' })
  for (const query of [null, true, NaN, new Map(), () => 1, new Proxy([], {})]) {
    assert.throws(() => toRange(query), { code: 'INVALID_KEY' })
  }
})

test('queries on indexes may name null and booleans', () => {
  assert.deepEqual(fields(toRange(null, true)), [null, null, false, false])
  assert.deepEqual(fields(toRange({ gte: null, lt: true }, true)), [null, true, false, true])
  assert.throws(() => toRange({ gte: null, gt: 1 }, true), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => toRange({ gte: null }), { code: 'INVALID_KEY' })
})

test('compareKeys follows IndexedDB', () => {
  const ascending = [
    -Infinity,
    -(2n ** 63n),
    -1,
    0,
    5e-324,
    1,
    2 ** 53,
    2n ** 53n + 1n,
    2n ** 64n - 1n,
    Infinity,
    new Date(-8.64e15),
    new Date(0),
    '',
    '\0',
    'a',
    'aa',
    '😀',
    '\uffff',
    new ArrayBuffer(0),
    new Uint8Array([0]),
    new Uint8Array([0, 0]),
    new DataView(Uint8Array.of(200).buffer),
    [],
    [1],
    [1, 1],
    ['a'],
    [new Uint8Array(1)],
    [[]],
  ]
  ascending.forEach((a, i) => {
    ascending.forEach((b, j) => assert.equal(compareKeys(a, b), Math.sign(i - j)))
  })
  assert.equal(compareKeys(0, -0), 0)
  assert.equal(compareKeys(1, 1n), 0)
  assert.equal(compareKeys(new Uint8Array([1, 2]), new DataView(Uint8Array.of(1, 2).buffer)), 0)
})

test('copies are independent and accessors run once', () => {
  const bytes = new Uint8Array([1, 2, 3]).subarray(1)
  const key = [new Date(5), bytes, ['x']]
  const copy = copyKey(key) as [Date, ArrayBuffer, string[]]
  bytes.fill(9)
  ;(key[0] as Date).setTime(6)
  assert.deepEqual(copy, [new Date(5), Uint8Array.of(2, 3).buffer, ['x']])
  let reads = 0
  const counted = Object.defineProperty([0], 0, { get: () => ++reads })
  assert.deepEqual(fields(toRange(counted)), [[1], [1], false, false])
  assert.equal(reads, 1)
})
