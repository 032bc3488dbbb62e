// Documents that are written a piece at a time.

import assert from 'node:assert/strict'
import { test } from 'node:test'

const { DocumentEncoder, ShapeTable, WriteBuffer, encodeInPieces } = require('../../lib/codec')

const shapes = () => new ShapeTable({ load() {} })

function wide(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`field ${i}`, i]))
}

const values: Record<string, unknown> = {
  'a number': 1.5,
  'nothing within': [{}, []],
  'short and long arrays': [7, 8, 9, 1000].map((length) => Array.from({ length }, (_, i) => i)),
  'objects of one shape': Array.from({ length: 200 }, (_, i) => ({ a: i, b: { c: `${i}` } })),
  'many shapes': Array.from({ length: 300 }, (_, i) => ({ [`f${i % 40}`]: i })),
  'wide objects': [wide(255), wide(256), wide(3000)],
  'deep ones': Array.from({ length: 300 }).reduce<unknown>((inner) => ({ a: [inner] }), 1),
  'all types': [
    [null, undefined, true, false, -0, NaN, 2 ** 53, 10n ** 30n, 'ä', '\ud800', 'x'.repeat(99)],
    [new Date(5), /x/gi, new Map<unknown, unknown>([[1, { a: [2] }]]), new Set(['x'])],
    [new Uint8Array([1, 2]), new ArrayBuffer(3), Object('boxed'), new RangeError('why')],
  ],
  'names that mean something': JSON.parse('{ "__proto__": 1, "constructor": { "a": 1 } }'),
  'a long text': ['x'.repeat(1_000_000)],
}

for (const [name, value] of Object.entries(values)) {
  test(`${name}: the same bytes as at once`, () => {
    const whole = new WriteBuffer()
    new DocumentEncoder().encode(value, shapes(), whole)
    const writer = new WriteBuffer()
    // What stands before it does not matter.
    writer.writeBytes(Buffer.from('before'))
    const pieces = encodeInPieces(value, shapes(), writer)
    while (!pieces.next().done);
    const bytes = writer.buffer.subarray(6, writer.position)
    assert.deepEqual(bytes, whole.buffer.subarray(0, whole.position))
  })
}

test('there is a pause every few values', () => {
  const value = {
    list: Array.from({ length: 10_000 }, (_, i) => ({ a: { b: i } })),
    wide: wide(10_000),
  }
  const pieces = encodeInPieces(value, shapes(), new WriteBuffer())
  let count = 0
  while (!pieces.next().done) count++
  assert.ok(count >= 500, `${count} pauses`)
})

test('what cannot be stored is refused with its path', () => {
  const value = { list: [1, { a: () => 1 }] }
  const pieces = encodeInPieces(value, shapes(), new WriteBuffer())
  assert.throws(() => pieces.next(), { code: 'DATA_CLONE', path: 'list[1].a' })
})
