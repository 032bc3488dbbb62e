import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { assertSame } from './same'

const KEY = 1234.5

function inject(
  value: unknown,
  path: string,
  { key = undefined as unknown, known = [] as string[][], namedArrayFields = false } = {},
): unknown {
  const shapes = new ShapeTable({ load() {} })
  known.forEach((names, id) => shapes.add(id, names))
  const encoder = new DocumentEncoder({ namedArrayFields })
  const writer = new WriteBuffer(1)
  const start = 11
  writer.position = start
  const end = encoder.encode(value, shapes, writer, { path: path.split('.'), value: key })
  if (key === undefined) {
    assert.equal(writer.buffer[start + encoder.injectedAt - 1], 0xd9)
    writer.view.setFloat64(start + encoder.injectedAt, KEY, true)
  } else {
    assert.equal(encoder.injectedAt, -1)
  }
  return new DocumentDecoder().decode(writer.buffer, start, end, shapes)
}

test('a key is injected as the last field of its object', () => {
  assertSame(inject({ a: 1 }, 'id'), { a: 1, id: KEY })
  assertSame(inject({}, 'id'), { id: KEY })
  assertSame(inject({ a: 1 }, 'id', { known: [['a', 'id']] }), { a: 1, id: KEY })
  assertSame(inject({ a: { b: 1 }, c: 2 }, 'a.id'), { a: { b: 1, id: KEY }, c: 2 })
  assertSame(inject({ a: { b: 1 } }, 'a.x.y.id'), { a: { b: 1, x: { y: { id: KEY } } } })
  assertSame(inject({ a: 1 }, '__proto__'), JSON.parse(`{"a":1,"__proto__":${KEY}}`))
})

test('a field that holds undefined is filled in place', () => {
  assertSame(inject({ id: undefined, a: 1 }, 'id'), { id: KEY, a: 1 })
})

test('a key made in JavaScript is written as it is', () => {
  assertSame(inject({ a: 1 }, 'id', { key: 'uuid' }), { a: 1, id: 'uuid' })
  assertSame(inject({ a: 1 }, 'k.id', { key: 5 }), { a: 1, k: { id: 5 } })
})

test('the value itself is never changed', () => {
  const value = Object.freeze({ a: Object.freeze({ b: 1 }) })
  assertSame(inject(value, 'a.id'), { a: { b: 1, id: KEY } })
  assert.deepEqual(value, { a: { b: 1 } })
})

test('identity through the object with the key is kept', () => {
  const value: Record<string, unknown> = { list: [] }
  value.self = value
  ;(value.list as unknown[]).push(value)
  const expected: Record<string, unknown> = { list: [] }
  expected.self = expected
  ;(expected.list as unknown[]).push(expected)
  expected.id = KEY
  assertSame(inject(value, 'id'), expected)
  const target = { b: 1 }
  const copy = { b: 1, id: KEY }
  assertSame(inject({ first: [target], a: target }, 'a.id'), { first: [copy], a: copy })
})

test('objects of any width take a key', () => {
  for (const width of [1, 127, 128, 254, 255, 256, 1000]) {
    const value = Object.fromEntries(Array.from({ length: width }, (_, i) => [`f${i}`, i]))
    assertSame(inject(value, 'id'), { ...value, id: KEY })
  }
})

test('arrays take a key where named fields are stored', () => {
  const expected = Object.assign([1, 2], { id: KEY })
  assertSame(inject([1, 2], 'id', { namedArrayFields: true }), expected)
  assertSame(inject({ a: [] }, 'a.b.id', { namedArrayFields: true }), {
    a: Object.assign([], { b: { id: KEY } }),
  })
  assert.throws(() => inject([1], 'id'), { code: 'INVALID_KEY' })
})

test('a key cannot be injected into what is no plain object', () => {
  for (const [value, path] of [
    [1, 'id'],
    [null, 'id'],
    ['text', 'id'],
    [new Date(), 'id'],
    [new Map(), 'id'],
    [{ a: 1 }, 'a.id'],
    [{ a: undefined }, 'a.id'],
    [{ a: { b: 'x' } }, 'a.b.id'],
  ] as const) {
    assert.throws(() => inject(value, path), { code: 'INVALID_KEY' })
  }
})
