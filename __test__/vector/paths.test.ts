// Vectors inside of arrays of objects, and of all types.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'

type Context = Parameters<typeof temporaryDatabase>[0]

const keys = (found: { key: unknown }[]) => found.map(({ key }) => key)

async function store(t: Context, on: string, dimensions = 2) {
  const vectors = { near: { on, dimensions, metric: 'l2' as const } }
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id', vectors } } })
  return { db, docs: db.store('docs') as any }
}

async function whole(db: any): Promise<void> {
  const report = await db.verify({ level: 'full' })
  assert.deepEqual(report.findings, [])
}

test('of the vectors in an array of objects the nearest counts', async (t) => {
  const { db, docs } = await store(t, 'chunks.embedding')
  const chunks = (...vectors: unknown[]) => vectors.map((embedding, at) => ({ at, embedding }))
  await docs.putMany([
    { id: 1, chunks: chunks([9, 9], [5, 0]) },
    { id: 2, chunks: chunks(undefined, null, Float32Array.of(2, 0)) },
    { id: 3, chunks: [{ at: 0 }, 'text', null, [{ embedding: [0, 0] }]] },
    { id: 4, chunks: [] },
    { id: 5, chunks: { embedding: [4, 0] } },
    {
      id: 6,
      chunks: chunks(
        [
          [8, 8],
          [1, 0],
        ],
        [7, 7],
      ),
    },
    { id: 7 },
  ])
  const found = await docs.nearest('near', [0, 0])
  assert.deepEqual(keys(found), [6, 2, 5, 1])
  assert.deepEqual(
    found.map((hit: any) => hit.distance),
    [1, 2, 4, 5],
  )
  assert.deepEqual(keys(await docs.nearest('near', [7, 7], { k: 1 })), [6])
  const [bare] = await docs.nearest('near', [0, 0], { k: 1, includeVectors: false })
  assert.deepEqual(bare.doc, { id: 6, chunks: [{ at: 0 }, { at: 1 }] })
  await docs.update(1, { $push: { chunks: { at: 2, embedding: [0.5, 0] } } })
  await docs.update(6, { $set: { 'chunks.0.embedding': [6, 0] } })
  await docs.update(5, { $unset: { chunks: 1 } })
  assert.deepEqual(keys(await docs.nearest('near', [0, 0])), [1, 2, 6])
  await rejects(docs.put({ id: 8, chunks: chunks([1, 2], [1]) }), 'DIMENSION_MISMATCH', {
    index: 'near',
    path: 'chunks.embedding',
  })
  await rejects(docs.put({ id: 8, chunks: chunks('x') }), 'VALIDATION', {
    path: 'chunks.embedding',
  })
  assert.equal(await docs.has(8), false)
  await whole(db)
})

test('a path may lead through several arrays, or name an element', async (t) => {
  const deep = await store(t, 'pages.parts.vector')
  await deep.docs.putMany([
    { id: 1, pages: [{ parts: [{ vector: [9, 0] }] }, { parts: { vector: [3, 0] } }] },
    { id: 2, pages: [{ parts: [{ vector: [4, 0] }, { vector: [2, 0] }] }] },
    { id: 3, pages: { parts: [{ vector: [5, 0] }] } },
  ])
  assert.deepEqual(keys(await deep.docs.nearest('near', [0, 0])), [2, 1, 3])
  await whole(deep.db)
  const placed = await store(t, 'parts.1.vector')
  await placed.docs.putMany([
    { id: 1, parts: [{ vector: [0, 0] }, { vector: [3, 0] }] },
    { id: 2, parts: [{ vector: [0, 0] }] },
    { id: 3, parts: { 1: { vector: [2, 0] } } },
  ])
  assert.deepEqual(keys(await placed.docs.nearest('near', [0, 0])), [3, 1])
  await whole(placed.db)
})

test(`an index is built of arrays, and follows them (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs') as any
  const all = new Map<number, number[][]>()
  const write = async (id: number) => {
    const vectors = random.list(random.below(5), () => [random.below(50), random.below(50)])
    all.set(id, vectors)
    await docs.put({ id, chunks: vectors.map((embedding) => ({ embedding })) })
  }
  for (let id = 0; id < 200; id++) await write(id)
  await db.createVectorIndex('docs', 'near', 'chunks.embedding', { dimensions: 2, metric: 'l2' })
  for (let n = 0; n < 200; n++) {
    await write(random.below(250))
    if (n % 10 > 0) continue
    const query = [random.below(50), random.below(50)]
    const expected = [...all]
      .filter(([, vectors]) => vectors.length > 0)
      .map(([key, vectors]) => {
        const distances = vectors.map(([x, y]) => Math.hypot(x! - query[0]!, y! - query[1]!))
        return { key, distance: Math.min(...distances) }
      })
      .sort((a, b) => a.distance - b.distance || a.key - b.key)
    const found = await docs.nearest('near', query, { k: 9 })
    assert.deepEqual(keys(found), keys(expected.slice(0, 9)))
  }
  await whole(db)
})

test('vectors of half floats are compared as numbers', async (t) => {
  const Half = (globalThis as any).Float16Array
  if (Half === undefined) return t.skip('this runtime has no Float16Array')
  const { docs } = await store(t, 'vector')
  await docs.putMany([
    { id: 1, vector: Half.of(1.5, 0) },
    { id: 2, vector: [Half.of(9, 9), Half.of(-1, 0)] },
  ])
  const found = await docs.nearest('near', Half.of(0.5, 0))
  assert.deepEqual(
    found.map((hit: any) => [hit.key, hit.distance]),
    [
      [1, 1],
      [2, 1.5],
    ],
  )
  await rejects(docs.put({ id: 3, vector: Half.of(1, 2, 3) }), 'DIMENSION_MISMATCH')
  await rejects(docs.put({ id: 3, vector: Half.of(Infinity, 0) }), 'VALIDATION')
})
