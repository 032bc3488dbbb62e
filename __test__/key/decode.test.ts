import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  MAX_DEPTH,
  decodeIndexKey,
  decodeKey,
  decodeKeyAt,
  encodeIndexKeyToBuffer,
  encodeKeyToBuffer,
  lastOffset,
  skipKey,
} from '../../lib/key/index.js'
import { RandomKeys, randomSource, seed } from './random'

const CASES = 200_000

/** Decodes; what is accepted must be the only encoding of its value. */
function checkHostile(bytes: Buffer, end: number): boolean {
  let value
  try {
    value = decodeKeyAt(bytes, 0, end)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'CORRUPT', bytes.toString('hex'))
    return false
  }
  assert.ok(lastOffset() <= end)
  assert.equal(skipKey(bytes, 0, end), lastOffset())
  const consumed = bytes.subarray(0, lastOffset())
  assert.deepEqual(encodeIndexKeyToBuffer(value), consumed, consumed.toString('hex'))
  return true
}

test(`corrupted keys decode to another key or are CORRUPT (LODESTORE_SEED=${seed})`, () => {
  const keys = new RandomKeys(randomSource(seed), true)
  let accepted = 0
  for (let i = 0; i < CASES; i++) {
    const bytes = encodeIndexKeyToBuffer(keys.key()).subarray(0, 200)
    for (let changes = keys.below(3); changes >= 0; changes--) {
      bytes[keys.below(bytes.length)] = keys.pick([0, 1, 0x70, 0xff, keys.below(256)])
    }
    if (checkHostile(bytes, keys.below(4) === 0 ? keys.below(bytes.length) : bytes.length)) {
      accepted++
    }
  }
  assert.ok(accepted > 1000 && accepted < CASES - 1000)
})

test(`random bytes decode to a key or are CORRUPT (LODESTORE_SEED=${seed})`, () => {
  const keys = new RandomKeys(randomSource(seed + 1), true)
  const tags = [0x00, 0x10, 0x20, 0x28, 0x30, 0x40, 0x50, 0x60, 0x70]
  for (let i = 0; i < CASES; i++) {
    const bytes = Buffer.alloc(keys.below(24))
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = keys.below(3) === 0 ? keys.pick(tags) : keys.below(256)
    }
    checkHostile(bytes, bytes.length)
    bytes.forEach((byte, at) => (bytes[at] = ~byte))
    try {
      const value = decodeIndexKey(bytes, 0, bytes.length, true)
      assert.deepEqual(encodeIndexKeyToBuffer(value, true), bytes.subarray(0, lastOffset()))
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'CORRUPT')
    }
  }
})

test('arrays that nest too deep or never end are CORRUPT', () => {
  for (const length of [MAX_DEPTH, MAX_DEPTH + 1, 10_000_000]) {
    const bytes = Buffer.alloc(length, 0x70)
    assert.throws(() => decodeKey(bytes), { code: 'CORRUPT' })
    assert.throws(() => skipKey(bytes, 0, length), { code: 'CORRUPT' })
  }
  const deep = Buffer.concat([Buffer.alloc(1001, 0x70), Buffer.alloc(1001)])
  assert.throws(() => decodeKey(deep), { code: 'CORRUPT', message: /nest too deep/ })
})

test('bytes beyond the given end are not read', () => {
  const key = encodeKeyToBuffer('abc')
  assert.equal(decodeKeyAt(key, 0, key.length), 'abc')
  assert.throws(() => decodeKeyAt(key, 0, key.length - 1), { code: 'CORRUPT' })
  assert.throws(() => decodeKeyAt(key, 0, key.length + 1), { code: 'CORRUPT' })
  assert.throws(() => skipKey(key, 0, key.length + 1), { code: 'CORRUPT' })
  assert.throws(() => decodeKey(Buffer.concat([key, key])), { code: 'CORRUPT', message: /follow/ })
})

test('decoded values are the caller’s own', () => {
  const key = encodeKeyToBuffer(new Uint8Array([5, 6]))
  const value = decodeKey(key) as ArrayBuffer
  assert.ok(value instanceof ArrayBuffer)
  key.fill(0)
  assert.deepEqual([...new Uint8Array(value)], [5, 6])
})
