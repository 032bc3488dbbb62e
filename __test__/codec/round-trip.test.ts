import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { RandomDocuments, randomSource, seed } from './random'
import { assertSame } from './same'

const DOCUMENTS = 100_000

test(`${DOCUMENTS} random documents survive, in both modes (LODESTORE_SEED=${seed})`, () => {
  const documents = new RandomDocuments(randomSource(seed))
  const shapes = new ShapeTable({ load() {}, codegen: true })
  const plainShapes = new ShapeTable({ load() {}, codegen: false })
  const encoder = new DocumentEncoder({ namedArrayFields: true })
  const decoder = new DocumentDecoder()
  const writer = new WriteBuffer(256)
  const padding = 7
  for (let i = 0; i < DOCUMENTS; i++) {
    const document = documents.document()
    writer.position = padding
    const end = encoder.encode(document, shapes, writer)
    const bytes = Buffer.from(writer.buffer.subarray(0, end))
    const decoded = decoder.decode(bytes, padding, end, shapes)
    const plain = decoder.decode(bytes, padding, end, plainShapes)
    bytes.fill(0xff)
    assertSame(decoded, document, `document ${i}, generated readers`)
    assertSame(plain, document, `document ${i}, no generated code`)
    for (const names of shapes.takeCandidates()) {
      if (shapes.size === 500) break
      plainShapes.add(shapes.size, names)
      shapes.add(shapes.size, names)
    }
  }
  assert.ok(shapes.size > 20, 'shapes were registered on the way')
})

test('the same value gives the same bytes, whatever is written before', () => {
  const documents = new RandomDocuments(randomSource(seed))
  const shapes = new ShapeTable({ load() {} })
  const encoder = new DocumentEncoder()
  for (let i = 0; i < 1000; i++) {
    const document = documents.document()
    const small = new WriteBuffer(1)
    const large = new WriteBuffer(1 << 16)
    large.position = 12345
    encoder.encode(document, shapes, small)
    encoder.encode(document, shapes, large)
    assert.deepEqual(
      small.buffer.subarray(0, small.position),
      large.buffer.subarray(12345, large.position),
    )
  }
})
