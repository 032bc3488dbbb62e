// Feeds damaged documents to the document decoder, with and without generated code.
//
//   node --import tsx scripts/fuzz-codec.mjs [inputs]
//
// Each input must give CORRUPT or the same value in both modes, quickly. Default: 1,000,000 inputs.
// LODESTORE_SEED replays a run.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } = require('../lib/codec')
const { RandomDocuments, randomSource, seed } = require('../__test__/codec/random.ts')

const INPUTS = Number(process.argv[2] ?? 1_000_000)
/** Of the processor's time: on a crowded machine, any call may last long. */
const MAX_MILLISECONDS = 1000

const random = randomSource(seed)
const documents = new RandomDocuments(random)
const below = (n) => Math.floor(random() * n)

const shapes = new ShapeTable({ load() {}, codegen: true })
const plainShapes = new ShapeTable({ load() {}, codegen: false })
const encoder = new DocumentEncoder({ namedArrayFields: true })
const decoder = new DocumentDecoder()
const writer = new WriteBuffer()

const TAGS = [0, 0x3f, 0x40, 0x7f, 0x80, 0xbf]
for (let tag = 0xc0; tag <= 0xff; tag++) TAGS.push(tag)
const SIZES = [0, 1, 7, 8, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff]

const damages = [
  (bytes) => void (bytes[below(bytes.length)] ^= 1 << below(8)),
  (bytes) => void (bytes[below(bytes.length)] = below(256)),
  (bytes) => void (bytes[below(bytes.length)] = TAGS[below(TAGS.length)]),
  (bytes) => bytes.subarray(0, below(bytes.length)),
  (bytes) => bytes.subarray(below(bytes.length)),
  (bytes) => Buffer.concat([bytes, bytes.subarray(below(bytes.length))]),
  (bytes) => {
    const at = below(bytes.length)
    bytes.copyWithin(below(bytes.length), at, at + below(12))
  },
  (bytes) => {
    if (bytes.length < 5) return
    const size = random() < 0.5 ? below(bytes.length) : SIZES[below(SIZES.length)]
    bytes.writeUInt32LE(size, below(bytes.length - 4))
  },
  (bytes) => {
    const at = below(bytes.length)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([TAGS[below(TAGS.length)]]),
      bytes.subarray(at),
    ])
  },
  () => Buffer.from(Array.from({ length: 1 + below(40) }, () => TAGS[below(TAGS.length)])),
  () => Buffer.alloc(1 + below(3000), TAGS[below(TAGS.length)]),
]

function damaged(original) {
  let bytes = Buffer.from(original)
  for (let times = 1 + below(3); times > 0 && bytes.length > 0; times--) {
    bytes = damages[below(damages.length)](bytes) ?? bytes
  }
  return bytes
}

/** Decodes from the middle of a larger buffer, as the scratch buffers of reads are. */
function attempt(bytes, table) {
  const buffer = Buffer.concat([Buffer.alloc(3, 0x41), bytes, Buffer.alloc(9, 0x41)])
  const started = process.cpuUsage()
  try {
    return { value: decoder.decode(buffer, 3, 3 + bytes.length, table) }
  } catch (error) {
    if (error.code !== 'CORRUPT' && error.code !== 'UNSUPPORTED') fail(bytes, error)
    return { error: error.message }
  } finally {
    const { user, system } = process.cpuUsage(started)
    if (user + system > 1000 * MAX_MILLISECONDS) fail(bytes, new Error('too slow'))
  }
}

/** A value as bytes, to compare it; null for those that hold blobs. */
function fingerprint(value) {
  writer.position = 0
  try {
    encoder.encode(value, shapes, writer)
  } catch (error) {
    if (error.code === 'DATA_CLONE' && error.message.includes('Blob')) return null
    throw error
  }
  return Buffer.from(writer.buffer.subarray(0, writer.position))
}

function fail(bytes, error) {
  console.error(`LODESTORE_SEED=${seed}, input ${counts.inputs}: ${bytes.toString('hex')}`)
  throw error
}

const counts = { inputs: 0, corrupt: 0, valid: 0 }
console.log(`LODESTORE_SEED=${seed}`)
while (counts.inputs < INPUTS) {
  writer.position = 0
  const end = encoder.encode(documents.document(), shapes, writer)
  const original = Buffer.from(writer.buffer.subarray(0, end))
  for (const names of shapes.takeCandidates()) {
    if (shapes.size === 300) break
    plainShapes.add(shapes.size, names)
    shapes.add(shapes.size, names)
  }
  for (let i = 0; i < 20 && counts.inputs < INPUTS; i++) {
    counts.inputs++
    const bytes = damaged(original)
    const first = attempt(bytes, shapes)
    const second = attempt(bytes, plainShapes)
    if (first.error !== second.error) fail(bytes, new Error(`${first.error} / ${second.error}`))
    if (first.error !== undefined) {
      counts.corrupt++
      continue
    }
    counts.valid++
    const [a, b] = [fingerprint(first.value), fingerprint(second.value)]
    if (a !== null && !a.equals(b)) fail(bytes, new Error('the modes differ'))
  }
}
console.log(`${counts.inputs} inputs: ${counts.corrupt} corrupt, ${counts.valid} valid`)
