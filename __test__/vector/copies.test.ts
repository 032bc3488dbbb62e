// Graphs that searches walk through by copies of the vectors in bytes.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, type VectorMetric, type VectorPrecision } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { graphOf } from './graphs'
import { MAPPED, unlessSealed } from '../support/sealed'

const DIMENSIONS = 32
const COUNT = 4_000
/** Bytes of a vector, and of a copy, which has its step and its length, too. */
const VECTOR = DIMENSIONS * 4
const COPY = DIMENSIONS + 8

interface Definition {
  metric?: VectorMetric
  precision?: VectorPrecision
  memoryLimit?: number
  efSearch?: number
}

interface Data {
  /** What is added to all components. */
  offset?: number
  /** How much longer the longest are than the shortest. */
  spread?: number
}

/** Makes vectors in clusters. */
function vectorsOf(random: Random, { offset = 0, spread = 1 }: Data = {}): () => Float32Array {
  const component = () => random.next() - 0.5
  const centers = random.list(40, () => random.list(DIMENSIONS, component))
  return () => {
    const length = spread ** random.next()
    return Float32Array.from(random.pick(centers), (c) => (c + component() / 2) * length + offset)
  }
}

async function opened(t: TestContext, path: string, definition: Definition, options: object = {}) {
  const near = { on: 'vector', dimensions: DIMENSIONS, precision: 'f32', ...definition } as const
  const stores = { docs: { keyPath: 'id', vectors: { near } } }
  const db = await open(path, { stores, durability: 'relaxed', ...options } as object)
  t.after(() => db.close())
  return { db, docs: db.store('docs') as any }
}

async function filled(docs: any, vector: () => Float32Array, count = COUNT, from = 0) {
  for (let id = from; id < from + count; id += 1_000) {
    await docs.putMany(Array.from({ length: 1_000 }, (_, i) => ({ id: id + i, vector: vector() })))
  }
}

const isBuilt = (docs: any, vector: () => Float32Array, inFile = 0) =>
  graphOf(
    () => docs.nearest('near', vector()).explain(),
    (told) => told.notInGraph === 0 && told.inFile! >= inFile,
  )

/**
 * Searches find nearly all of the nearest, with their distances and in the order of exact ones.
 */
async function check(docs: any, vector: () => Float32Array, least = 0.99): Promise<void> {
  let [hits, all] = [0, 0]
  for (let left = 60; left > 0; left--) {
    const query = vector()
    const expected: any[] = await docs.nearest('near', query, { exact: true })
    const found: any[] = await docs.nearest('near', query)
    const distances = new Map(expected.map(({ key, distance }) => [key, distance]))
    const among = found.filter(({ key }) => distances.has(key))
    for (const { key, distance } of among) assert.equal(distance, distances.get(key))
    const keys = among.map(({ key }) => key)
    const inOrder = expected.map(({ key }) => key).filter((key) => keys.includes(key))
    assert.deepEqual(keys, inOrder)
    hits += among.length
    all += expected.length
  }
  assert.ok(hits >= all * least, `${hits} of ${all}`)
}

const KINDS: [string, Definition, Data, boolean, number?][] = [
  ['the cosine', {}, {}, true],
  ['the inner product', { metric: 'dot' }, {}, true],
  // The longest are near to all others: some are missed with copies and without.
  ['the inner product of vectors of all lengths', { metric: 'dot' }, { spread: 10 }, true, 0.96],
  ['the distance', { metric: 'l2' }, {}, true],
  // A byte would hold what they have in common, and nothing of what they have not.
  ['the distance far from zero', { metric: 'l2' }, { offset: 1_000 }, false],
  ['16 bits', { precision: 'bf16' }, {}, false],
  ['16 bits, another way', { precision: 'f16' }, {}, false],
  ['8 bits', { precision: 'i8' }, {}, false],
]

for (const [name, definition, data, copies, least] of KINDS) {
  test(`${name}: ${copies ? '' : 'no '}copies (LODESTORE_SEED=${seed})`, async (t) => {
    const random = new Random(seed)
    const vector = vectorsOf(random, data)
    const { docs } = await opened(t, join(await temporaryDirectory(t), 'db'), definition)
    await filled(docs, vector)
    const told = await isBuilt(docs, vector)
    assert.deepEqual([told.method, told.copies], ['graph', copies])
    await check(docs, vector, least)
    // What was changed is found as it is.
    await filled(docs, vector, 1_000, 500)
    await docs.deleteMany(Array.from({ length: 300 }, (_, i) => i * 3))
    assert.equal((await isBuilt(docs, vector)).copies, copies)
    await check(docs, vector, least)
  })
}

test(`a graph that is read from its file has copies if they serve (${seed})`, async (t) => {
  for (const offset of [0, 1_000]) {
    const vector = vectorsOf(new Random(seed), { offset })
    const path = join(await temporaryDirectory(t), 'db')
    const { db, docs } = await opened(t, path, { metric: 'l2' })
    await filled(docs, vector)
    const { memory } = await isBuilt(docs, vector, COUNT)
    await db.close()
    for (const mode of ['readOnly', 'open'] as const) {
      const again = await opened(t, path, {}, { mode, stores: undefined })
      const told = await graphOf(
        () => again.docs.nearest('near', vector()).explain(),
        ({ notInGraph, copies }) => notInGraph === 0 && copies === (offset === 0),
      )
      assert.equal(told.fromFile, COUNT)
      assert.ok(told.memory! <= memory! && told.memory! > COUNT * VECTOR)
      await check(again.docs, vector)
      await again.db.close()
    }
  }
})

test('copies count as memory, and are the first to go', unlessSealed(MAPPED), async (t) => {
  const vector = vectorsOf(new Random(seed))
  const directory = await temporaryDirectory(t)
  const explained = async (name: string, memoryLimit: number, options: object = {}) => {
    const { docs } = await opened(t, join(directory, name), { memoryLimit }, options)
    await filled(docs, vector)
    const told = await isBuilt(docs, vector)
    await check(docs, vector)
    return told
  }
  const whole = await explained('whole', 2 ** 31)
  assert.ok(whole.copies && whole.mapped === 0)
  const encryption = { key: Buffer.alloc(32, 5) }
  // There is room for 1,024 more at a time.
  const copies = 4 * 1_024 * COPY
  for (const [name, options] of [
    ['bounded', {}],
    ['sealed', { encryption }],
  ] as const) {
    const limit = whole.memory! - Math.round(copies / 2)
    const bounded = await explained(name, limit, options)
    assert.ok(!bounded.copies && bounded.mapped === 0, 'all vectors stay in memory')
    assert.equal(whole.memory! - bounded.memory!, copies)
  }
  const limit = whole.memory! - copies - Math.round((COUNT * VECTOR) / 4)
  const less = await explained('mapped', limit)
  assert.ok(!less.copies && less.mapped! > 0)
})
