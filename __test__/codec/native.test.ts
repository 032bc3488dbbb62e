import assert from 'node:assert/strict'
import { test } from 'node:test'
import binding from '../../lib/binding.js'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { RandomDocuments, randomSource, seed } from './random'
import { assertSame } from './same'

const DOCUMENTS = 6_000
const native = binding as unknown as { transcode(document: Buffer, shapes: Buffer): Buffer }

test(`${DOCUMENTS} documents pass through the native codec (LODESTORE_SEED=${seed})`, () => {
  const documents = new RandomDocuments(randomSource(seed))
  const shapes = new ShapeTable({ load() {} })
  const noShapes = new ShapeTable({ load() {} })
  const encoder = new DocumentEncoder({ namedArrayFields: true })
  const decoder = new DocumentDecoder()
  const writer = new WriteBuffer(256)
  const encode = (value: unknown, table: ShapeTable): Buffer => {
    writer.position = 0
    const end = encoder.encode(value, table, writer)
    return Buffer.from(writer.buffer.subarray(0, end))
  }
  const lists: string[][] = []
  let encodedLists = encode(lists, noShapes)
  for (let i = 0; i < DOCUMENTS; i++) {
    const document = documents.document()
    const bytes = encode(document, shapes)
    const back = native.transcode(bytes, encodedLists)
    assertSame(decoder.decode(back, 0, back.length, shapes), document, `document ${i}`)
    for (const names of shapes.takeCandidates()) {
      if (lists.length === 500) break
      shapes.add(lists.length, names)
      lists.push(names)
      encodedLists = encode(lists, noShapes)
    }
  }
  assert.ok(lists.length > 20, 'shapes were registered on the way')
})

test('the native codec refuses damaged documents', () => {
  const malformed = [Buffer.of(0xff), Buffer.of(0xc1), Buffer.of(0x41), Buffer.alloc(0)]
  for (const bytes of malformed) {
    assert.throws(() => native.transcode(bytes, Buffer.of(0xc0)), /CORRUPT/, bytes.toString('hex'))
  }
})
