import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  compareIndexKeys,
  decodeIndexKey,
  decodeKey,
  encodeIndexKeyToBuffer,
  encodeKeyToBuffer,
  skipKey,
} from '../../lib/key/index.js'

type Typed = [type: string, content?: unknown]
interface Vectors {
  keys: { key: Typed; hex: string; same?: Typed[]; index?: boolean }[]
  malformed: { hex: string; why: string }[]
  unencodable: Typed[]
}

const path = join(__dirname, '..', '..', 'tests', 'vectors', 'keys.json')
const vectors: Vectors = JSON.parse(readFileSync(path, 'utf8'))

function valueOf([type, content]: Typed): unknown {
  switch (type) {
    case 'null':
      return null
    case 'boolean':
    case 'string':
      return content
    case 'number':
      return Number(content)
    case 'bigint':
      return BigInt(content as string)
    case 'date':
      return new Date(Number(content))
    case 'units':
      return String.fromCharCode(...(content as number[]))
    case 'binary':
      return new Uint8Array(Buffer.from(content as string, 'hex')).buffer
    case 'array':
      return (content as Typed[]).map(valueOf)
    default:
      throw new Error(`unknown type ${type}`)
  }
}

test('keys encode to the vectors and decode from them', () => {
  assert.ok(vectors.keys.length > 100)
  for (const { key, hex, same = [], index = false } of vectors.keys) {
    const value = valueOf(key)
    for (const each of [value, ...same.map(valueOf)]) {
      assert.equal(encodeIndexKeyToBuffer(each).toString('hex'), hex, JSON.stringify(key))
      if (!index) assert.equal(encodeKeyToBuffer(each).toString('hex'), hex)
    }
    if (index) assert.throws(() => encodeKeyToBuffer(value), { code: 'INVALID_KEY' })
    assert.deepEqual(decodeKey(Buffer.from(hex, 'hex')), value)
  }
})

test('descending components are the inverted bytes', () => {
  for (const { key, hex } of vectors.keys) {
    const value = valueOf(key)
    const encoded = encodeIndexKeyToBuffer(value, true)
    assert.equal(Buffer.from(encoded.map((byte) => ~byte)).toString('hex'), hex)
    assert.deepEqual(decodeIndexKey(encoded, 0, encoded.length, true), value)
  }
})

test('vectors are in ascending order', () => {
  vectors.keys.slice(1).forEach(({ key, hex }, i) => {
    const previous = vectors.keys[i]!
    assert.equal(compareIndexKeys(valueOf(previous.key), valueOf(key)), -1, JSON.stringify(key))
    assert.ok(Buffer.compare(Buffer.from(previous.hex, 'hex'), Buffer.from(hex, 'hex')) < 0)
  })
})

test('no encoding is a prefix of another one, and each tells its own end', () => {
  for (const { hex } of vectors.keys) {
    const encoded = Buffer.from(`${hex}7f00`, 'hex')
    assert.equal(skipKey(encoded, 0, encoded.length), encoded.length - 2)
    encoded.forEach((byte, i) => (encoded[i] = ~byte))
    assert.equal(skipKey(encoded, 0, encoded.length, true), encoded.length - 2)
    for (let cut = 0; cut < encoded.length - 2; cut++) {
      assert.throws(() => skipKey(encoded, 0, cut, true), { code: 'CORRUPT' })
    }
  }
})

test('malformed bytes are refused', () => {
  for (const { hex, why } of vectors.malformed) {
    assert.throws(() => decodeKey(Buffer.from(hex, 'hex')), { code: 'CORRUPT' }, `${hex}: ${why}`)
  }
})

test('values that are not keys are refused', () => {
  for (const key of vectors.unencodable) {
    assert.throws(() => encodeKeyToBuffer(valueOf(key)), { code: 'INVALID_KEY' }, key.join(' '))
  }
})
