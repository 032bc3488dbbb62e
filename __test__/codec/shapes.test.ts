import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { assertSame } from './same'

function encode(value: unknown, shapes: InstanceType<typeof ShapeTable>): Buffer {
  const writer = new WriteBuffer()
  new DocumentEncoder().encode(value, shapes, writer)
  return Buffer.from(writer.buffer.subarray(0, writer.position))
}

function decode(bytes: Buffer, shapes: InstanceType<typeof ShapeTable>): unknown {
  return new DocumentDecoder().decode(bytes, 0, bytes.length, shapes)
}

const table = () => new ShapeTable({ load() {} })

test('a key list is proposed once, after three sightings', () => {
  const shapes = table()
  for (let i = 0; i < 2; i++) encode({ a: 1, b: { c: 2 } }, shapes)
  assert.deepEqual(shapes.takeCandidates(), [])
  encode({ a: 1, b: { c: 2 } }, shapes)
  assert.deepEqual(new Set(shapes.takeCandidates().map(String)), new Set(['a,b', 'c']))
  for (let i = 0; i < 100; i++) encode({ a: 1, b: { c: 2 } }, shapes)
  assert.deepEqual(shapes.takeCandidates(), [], 'it waits to be registered')
  for (let i = 0; i < 1000; i++) encode({ a: 1 }, shapes)
  assert.deepEqual(shapes.takeCandidates(), [['a']])
})

test('a proposed key list that was not registered is proposed again, much later', () => {
  const shapes = table()
  for (let i = 0; i < 3; i++) encode({ a: 1 }, shapes)
  assert.equal(shapes.takeCandidates().length, 1)
  for (let i = 0; i < 1000; i++) encode({ a: 1 }, shapes)
  assert.deepEqual(shapes.takeCandidates(), [['a']])
})

test('the order of fields is part of a shape', () => {
  const shapes = table()
  shapes.add(0, ['a', 'b'])
  assert.equal(encode({ a: 1, b: 2 }, shapes)[0], 0x80)
  assert.equal(encode({ b: 2, a: 1 }, shapes)[0], 0xe0)
  assert.equal(encode({ a: 1 }, shapes)[0], 0xe0)
  assert.equal(encode({ a: 1, b: 2, c: 3 }, shapes)[0], 0xe0)
  assert.deepEqual(Object.keys(decode(encode({ b: 2, a: 1 }, shapes), shapes) as object), [
    'b',
    'a',
  ])
})

test('shapes that are prefixes or branches of each other keep apart', () => {
  const shapes = table()
  const lists = [['a'], ['a', 'b'], ['a', 'c'], ['b'], ['a', 'b', 'c'], ['a', 'd']]
  lists.forEach((names, id) => shapes.add(id * 300, names))
  assert.equal(shapes.size, lists.length)
  lists.forEach((names, id) => {
    const value = Object.fromEntries(names.map((name) => [name, name]))
    const bytes = encode(value, shapes)
    assert.equal(((bytes[0] & 0x3f) << 8) | bytes[1], id * 300)
    assertSame(decode(bytes, shapes), value)
  })
})

test('maps with numeric keys, wide and empty objects are never proposed', () => {
  const shapes = table()
  const wide = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`f${i}`, i]))
  for (let i = 0; i < 50; i++) encode([{ 17: 1, a: 2 }, wide, {}], shapes)
  assert.deepEqual(shapes.takeCandidates(), [])
})

test('one-off key lists take bounded memory, and registered shapes outlive them', () => {
  const shapes = table()
  shapes.add(0, ['a', 'b'])
  for (let i = 0; i < 20_000; i++) encode({ a: 1, [`k${i}`]: 1, [`l${i}`]: 2, m: 3 }, shapes)
  assert.ok(shapes.trie.candidates <= 32_768)
  assert.deepEqual(shapes.takeCandidates(), [])
  assert.equal(encode({ a: 1, b: 2 }, shapes)[0], 0x80)
  for (let i = 0; i < 3; i++) encode({ a: 1, z: 1 }, shapes)
  assert.deepEqual(shapes.takeCandidates(), [['a', 'z']])
})

test('one document names a repeated unknown key list once', () => {
  const shapes = table()
  const value = Array.from({ length: 50 }, (_, i) => ({ someLongName: i, another: -i }))
  const bytes = encode(value, shapes)
  assert.equal(bytes.toString('latin1').split('someLongName').length, 2)
  assertSame(decode(bytes, shapes), value)
})

test('a sample finds the key lists of documents before they are encoded', () => {
  const shapes = table()
  const documents = Array.from({ length: 10 }, (_, i) => ({ a: i, list: [{ x: i }], [`k${i}`]: 1 }))
  assert.deepEqual(shapes.sample(documents), [['x']])
  const plain = Array.from({ length: 10 }, () => ({ a: 1 }))
  assert.deepEqual(table().sample(plain, { path: ['id'] }), [['a', 'id']])
  const nested = table().sample(plain, { path: ['meta', 'id'] })
  assert.deepEqual(new Set(nested.map(String)), new Set(['a,meta', 'id']))
  const cyclic: Record<string, unknown> = { v: 1 }
  cyclic.self = cyclic
  assert.deepEqual(table().sample([cyclic, cyclic, cyclic]), [['v', 'self']])
})

test('an unknown id reloads the table once, and is CORRUPT after that', () => {
  const writerTable = table()
  writerTable.add(5, ['a'])
  const bytes = encode({ a: 1 }, writerTable)
  let loads = 0
  const shapes = new ShapeTable({
    load() {
      loads++
      if (loads === 2) shapes.add(5, ['a'])
    },
  })
  assert.throws(() => decode(bytes, shapes), { code: 'CORRUPT' })
  assert.deepEqual(decode(bytes, shapes), { a: 1 })
  assert.deepEqual(decode(bytes, shapes), { a: 1 })
  assert.equal(loads, 2)
})

test('an id has one meaning', () => {
  const shapes = table()
  shapes.add(0, ['a'])
  shapes.add(0, ['a'])
  assert.equal(shapes.size, 1)
  for (const [id, names] of [
    [0, ['b']],
    [8000, ['a']],
    [-1, ['a']],
    [1, []],
    [1, ['a', 'a']],
  ] as const) {
    assert.throws(() => shapes.add(id, [...names]), { code: 'CORRUPT' })
  }
})

test('generated readers take names that would break out of a literal', () => {
  const names = ['"', '\\', "'", '`', '${x}', '\n', '\u2028', '\ud800', '*/', '__proto__', 'a b']
  const shapes = new ShapeTable({ load() {}, codegen: true })
  shapes.add(0, names)
  const value = {}
  for (const name of names) {
    Object.defineProperty(value, name, {
      value: name,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  const bytes = encode(value, shapes)
  assert.equal(bytes[0], 0x80)
  for (let i = 0; i < 40; i++) assertSame(decode(bytes, shapes), value)
})
