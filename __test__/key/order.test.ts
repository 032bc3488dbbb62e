import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareIndexKeys,
  compareKeys,
  decodeIndexKey,
  decodeKey,
  encodeIndexKey,
  encodeIndexKeyToBuffer,
  encodeKeyToBuffer,
  lastOffset,
  skipKey,
} from '../../lib/key/index.js'
import { RandomKeys, randomSource, seed } from './random'

const PAIRS = 100_000

/** The value that a key decodes to: a number for a BigInt that equals one, no negative zero. */
function decoded(key: unknown): unknown {
  if (typeof key === 'bigint') return BigInt(Number(key)) === key ? Number(key) : key
  if (typeof key === 'number') return key + 0
  return Array.isArray(key) ? key.map(decoded) : key
}

test(`the order of the bytes is the order of the keys (LODESTORE_SEED=${seed})`, () => {
  const keys = new RandomKeys(randomSource(seed), false)
  const orders = new Map<number, number>()
  for (let i = 0; i < PAIRS; i++) {
    const a = keys.key()
    const b = i % 2 === 0 ? keys.near(a) : keys.key()
    const encodedA = encodeKeyToBuffer(a)
    const encodedB = encodeKeyToBuffer(b)
    const expected = compareKeys(a, b)
    orders.set(expected, (orders.get(expected) ?? 0) + 1)
    assert.equal(Buffer.compare(encodedA, encodedB), expected, `pair ${i}`)
    assert.equal(compareKeys(b, a), -expected + 0, `pair ${i}`)
    assert.deepEqual(decodeKey(encodedA), decoded(a), `pair ${i}`)
  }
  assert.deepEqual([...orders.keys()].toSorted(), [-1, 0, 1])
})

test(`compound index keys sort by component and direction (LODESTORE_SEED=${seed})`, () => {
  const keys = new RandomKeys(randomSource(seed + 1), true)
  const buffer = Buffer.alloc(1 << 20)
  for (let i = 0; i < PAIRS; i++) {
    const a = [keys.key(), keys.key()]
    const b = [keys.pick([a[0], keys.near(a[0])]), keys.pick([keys.near(a[1]), keys.key()])]
    const descending = [keys.below(2) === 1, keys.below(2) === 1]
    const primary = keys.number()

    const middle = encodeIndexKey(a, buffer, 3, descending)
    const end = encodeIndexKey(primary, buffer, middle, false)
    assert.deepEqual(decodeIndexKey(buffer, 3, end, descending), a.map(decoded), `pair ${i}`)
    assert.equal(lastOffset(), middle)
    const first = skipKey(buffer, 3, end, descending[0])
    assert.equal(skipKey(buffer, first, end, descending[1]), middle)
    assert.equal(decodeKey(buffer.subarray(middle, end)), primary + 0)

    const encodedB = encodeIndexKeyToBuffer(b, descending)
    const [order = 0] = a
      .map((value, at) => compareIndexKeys(value, b[at]) * (descending[at] ? -1 : 1))
      .filter((each) => each !== 0)
    assert.equal(Buffer.compare(buffer.subarray(3, middle), encodedB), order, `pair ${i}`)
  }
})
