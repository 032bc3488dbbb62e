// Searches of which only the keys are wanted: they come in the order of the documents' distances,
// though not all documents need to be read for it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VectorMetric, VectorPrecision } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import { isBuilt } from './graphs'

const DIMENSIONS = 32
const COUNT = 3_000
const FEW = { group: { $lt: 1 } }
const KINDS: [VectorMetric, VectorPrecision][] = [
  ['cosine', 'f32'],
  ['l2', 'f32'],
  ['dot', 'f32'],
  ['cosine', 'bf16'],
]

function vectorsOf(random: Random): () => Float32Array {
  const component = () => random.next() - 0.5
  const centers = random.list(30, () => random.list(DIMENSIONS, component))
  return () => {
    return Float32Array.from(random.pick(centers), (c) => c + component() / 2)
  }
}

/** Nearly the same: the last bits of a component differ. */
function nudged(vector: Float32Array): Float32Array {
  const copy = vector.slice()
  copy[0]! *= 1 + 2 ** -22
  return copy
}

for (const encryption of [undefined, { key: Buffer.alloc(32, 3) }]) {
  for (const [metric, precision] of KINDS) {
    const kind = `${metric}, ${precision}${encryption ? ', encrypted' : ''}`
    test(`keys come as the documents do: ${kind} (LODESTORE_SEED=${seed})`, async (t) => {
      const random = new Random(seed)
      const vector = vectorsOf(random)
      const near = { on: 'vector', dimensions: DIMENSIONS, metric, precision } as const
      const indexes = { byGroup: { on: 'group' } }
      const stores = { docs: { keyPath: 'id', indexes, vectors: { near } } }
      const db = await temporaryDatabase(t, { stores, ...(encryption && { encryption }) } as object)
      const docs = db.store('docs') as any
      const checkThose = async (where: object) => {
        for (let left = 40; left > 0; left--) {
          const query = vector()
          const k = random.pick([1, 10, 40])
          const search = { index: 'near', query, k, efSearch: 64 }
          const hits: any[] = await docs.nearest('near', query, { k, efSearch: 64, where })
          const all = hits.map(({ key }) => key)
          const found = docs.find({ $vector: search, ...where })
          assert.deepEqual(await found.keys(), all)
          assert.deepEqual(await found.keys().skip(1).limit(3), all.slice(1, 4))
          assert.equal(await found.count(), all.length)
          const maxDistance = hits[Math.floor(all.length / 2)].distance
          const within = hits.filter(({ distance }) => distance <= maxDistance)
          const bounded = docs.find({ $vector: { ...search, maxDistance }, ...where })
          assert.deepEqual(
            await bounded.keys(),
            within.map(({ key }) => key),
          )
        }
      }
      const check = async () => {
        await checkThose({})
        // That comes so often that it is known which vectors pass.
        await checkThose(FEW)
        const search = { index: 'near', query: vector(), k: 10, efSearch: 64 }
        const told = await docs.find({ $vector: search, ...FEW }).explain()
        isKnown ||= typeof told.nearest.among === 'number'
      }
      let isKnown = false
      const put = (list: [number, Float32Array | Float32Array[]][]) =>
        docs.putMany(list.map(([id, each]) => ({ id, group: id % 10, vector: each })))
      const first = random.list(COUNT, vector)
      await put(first.map((each, i) => [i + COUNT, each]))
      // Later ones, under lower keys, are as near as others, or nearly so.
      await put(first.slice(0, 600).map((each, i) => [i, each]))
      await put(first.slice(300, 900).map((each, i) => [i + 1_000, nudged(each)]))
      await isBuilt(docs, 'near', vector())
      await check()
      await docs.deleteMany(random.list(500, () => random.below(2 * COUNT)))
      await put(random.list(300, () => [random.below(2 * COUNT), vector()]))
      await check()
      await isBuilt(docs, 'near', vector())
      await check()
      // A document is where its nearest vector is, whichever the graph has named.
      await put(random.list(100, () => [random.below(2 * COUNT), random.list(3, vector)]))
      await isBuilt(docs, 'near', vector())
      await check()
      assert.ok(isKnown)
    })
  }
}
