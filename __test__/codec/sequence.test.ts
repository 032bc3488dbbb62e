import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { RandomDocuments, randomSource, seed } from './random'
import { assertSame } from './same'

const ROUNDS = 300
const shapes = new ShapeTable({ load() {} })
const encoder = new DocumentEncoder({ namedArrayFields: true })

/** Documents one behind the other, with a byte in between, and where each stands. */
function sequenceOf(documents: unknown[]): { bytes: Buffer; places: [number, number][] } {
  const writer = new WriteBuffer(64)
  const places = documents.map((document): [number, number] => {
    writer.ensure(1)
    writer.position++
    const start = writer.position
    return [start, encoder.encode(document, shapes, writer)]
  })
  return { bytes: Buffer.from(writer.buffer.subarray(0, writer.position)), places }
}

test(`documents of a sequence are what they are one by one (LODESTORE_SEED=${seed})`, () => {
  const random = randomSource(seed)
  const source = new RandomDocuments(random)
  const decoder = new DocumentDecoder()
  for (let round = 0; round < ROUNDS; round++) {
    const documents = Array.from({ length: 1 + Math.floor(random() * 30) }, () => source.document())
    const { bytes, places } = sequenceOf(documents)
    const other = sequenceOf([{ other: 'x'.repeat(40) }, source.document()])
    decoder.beginSequence(bytes)
    for (const [i, [start, end]] of places.entries()) {
      // Between two of them, something else may be read: by itself, or of another sequence.
      if (random() < 0.2) decoder.decode(other.bytes, ...other.places[1]!, shapes)
      if (random() < 0.2) {
        decoder.decodeNext(other.bytes, ...other.places[0]!, shapes, other.bytes.length)
      }
      const decoded = decoder.decodeNext(bytes, start, end, shapes, bytes.length)
      assertSame(decoded, documents[i], `round ${round}, document ${i}`)
    }
    const [start, end] = places[0]!
    const again = decoder.decodeNext(bytes, start, end, shapes, bytes.length)
    assertSame(again, documents[0], `round ${round}, from the start again`)
  }
})

test('a buffer that is filled anew is read anew', () => {
  const decoder = new DocumentDecoder()
  const first = sequenceOf([{ text: 'aaaaaaaaaaaaaaaaaaaa' }, { text: 'bbbbbbbbbbbbbbbbbbbb' }])
  const second = sequenceOf([{ text: 'cccccccccccccccccccc' }, { text: 'dddddddddddddddddddd' }])
  const buffer = Buffer.from(first.bytes)
  for (const { bytes, places } of [first, second]) {
    bytes.copy(buffer)
    decoder.beginSequence(buffer)
    for (const [start, end] of places) {
      assert.deepEqual(
        decoder.decodeNext(buffer, start, end, shapes, buffer.length),
        decoder.decode(bytes, start, end, shapes),
      )
    }
  }
})

test('a string that leaves its document is refused, though another one follows', () => {
  const decoder = new DocumentDecoder()
  const { bytes, places } = sequenceOf([{ a: 'abc' }, { b: 'some more text behind it' }])
  const [start, end] = places[0]!
  const decode = (): unknown => decoder.decodeNext(bytes, start, end, shapes, bytes.length)
  decoder.beginSequence(bytes)
  decode()
  const lengthAt = bytes.indexOf('abc') - 1
  bytes[lengthAt]! += 4
  for (const again of [true, false]) {
    if (!again) decoder.beginSequence(bytes)
    assert.throws(decode, { code: 'CORRUPT' })
  }
})

test('documents with their names inside are read alike, however many there are', () => {
  const proto = JSON.parse('{ "__proto__": 1, "toString": 2, "b": { "c": 1 } }')
  const kinds: ((i: number) => object)[] = [
    (i) => ({ id: i, text: `text ${i}` }),
    (i) => ({ id: i, text: [{ a: 1 }, { a: i }], again: { id: 1, text: 2, again: i } }),
    (i) => ({ ...proto, ['__proto__']: i }),
    (i) => ({ b: i, 1: 2, 0: 3 }),
    () => {
      const shared = { s: 1 }
      return { id: shared, text: shared }
    },
    () => ({}),
  ]
  // All of one kind, so that a reader is made for it; then mixed.
  const documents = kinds.flatMap((kind) => Array.from({ length: 150 }, (_, i) => kind(i)))
  for (let i = 0; i < 600; i++) documents.push(kinds[(i * 7 + (i >> 3)) % kinds.length]!(i))
  const empty = new ShapeTable({ load() {} })
  for (const codegen of [true, false]) {
    const own = new ShapeTable({ load() {}, codegen })
    const decoder = new DocumentDecoder()
    const writer = new WriteBuffer(64)
    const places = documents.map((document) => [
      writer.position,
      encoder.encode(document, empty, writer),
    ])
    const bytes = Buffer.from(writer.buffer.subarray(0, writer.position))
    decoder.beginSequence(bytes)
    for (const [i, [start, end]] of places.entries()) {
      const decoded = decoder.decodeNext(bytes, start, end, own, bytes.length)
      assertSame(decoded, documents[i], `document ${i}`)
      assertSame(decoder.decode(bytes, start, end, own), documents[i], `document ${i} by itself`)
      decoder.beginSequence(bytes)
    }
    // What is cut off within its fields is damaged, though the names are known.
    const [start, end] = places[1]!
    assert.throws(
      () => decoder.decodeNext(bytes, start, end! - 1, own, bytes.length),
      (error: any) => error.code === 'CORRUPT',
    )
  }
})
