import assert from 'node:assert/strict'
import { Blob } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import vm from 'node:vm'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { runtime } from '../support/runtime'
import { assertSame } from './same'

interface Vectors {
  documents: { name: string; js?: string; shapes?: string[][]; hex: string }[]
  malformed: { why: string; shapes?: string[][]; hex: string }[]
  random: { shapes: string[][]; hex: string[] }
}

const path = join(__dirname, '..', '..', 'tests', 'vectors', 'documents.json')
const vectors: Vectors = JSON.parse(readFileSync(path, 'utf8'))

function table(shapes: string[][] = [], codegen = true) {
  const made = new ShapeTable({ load() {}, codegen })
  shapes.forEach((names, id) => made.add(id, names))
  return made
}

function encode(
  value: unknown,
  shapes: InstanceType<typeof ShapeTable>,
  blobs?: Map<Blob, Buffer>,
) {
  const writer = new WriteBuffer()
  new DocumentEncoder({ namedArrayFields: true }).encode(value, shapes, writer, null, blobs)
  return writer.buffer.toString('hex', 0, writer.position)
}

function decode(hex: string, shapes: InstanceType<typeof ShapeTable>): unknown {
  const bytes = Buffer.from(`ff${hex}00`, 'hex')
  return new DocumentDecoder().decode(bytes, 1, bytes.length - 1, shapes)
}

test('documents encode to the bytes of the format, and back', () => {
  assert.ok(vectors.documents.length > 50)
  for (const { name, js, shapes, hex } of vectors.documents) {
    if (js === undefined) continue
    const value = vm.runInThisContext(`(${js})`)
    assert.equal(encode(value, table(shapes)), hex, name)
    for (const codegen of [true, false]) {
      const decoded = decode(hex, table(shapes, codegen))
      const expected = name === 'Buffer' ? new Uint8Array(value) : value
      if (name !== 'DOMException') assertSame(decoded, expected, name)
      assert.equal(encode(decoded, table(shapes)), hex, name)
    }
  }
})

test('blobs and files encode to the bytes of the format, and back', async () => {
  for (const { name, hex } of vectors.documents.filter(({ js }) => js === undefined)) {
    const blob = decode(hex, table()) as Blob
    assert.ok(blob instanceof Blob, name)
    const bytes = Buffer.from(await blob.arrayBuffer())
    const encoded = encode(blob, table(), new Map([[blob, bytes]]))
    if (runtime !== 'bun') {
      assert.equal(encoded, hex, name)
      continue
    }
    // Bun completes the type of a text, so that it cannot be the one of the vector.
    const again = decode(encoded, table()) as Blob
    assert.equal(again.type, 'text/plain;charset=utf-8')
    assert.deepEqual(Buffer.from(await again.arrayBuffer()), bytes)
  }
})

test('malformed documents are CORRUPT', () => {
  for (const { why, shapes, hex } of vectors.malformed) {
    for (const codegen of [true, false]) {
      assert.throws(() => decode(hex, table(shapes, codegen)), { code: 'CORRUPT' }, why)
    }
  }
})

test('random documents of every type encode to the same bytes again', () => {
  assert.ok(vectors.random.hex.length >= 300)
  const shapes = table(vectors.random.shapes)
  for (const hex of vectors.random.hex) {
    assert.equal(encode(decode(hex, shapes), shapes), hex)
  }
})
