// What a filter leaves is found by the graph, too, and what is gone is passed over.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import type { Vector } from './brute-force'
import { clustered } from './clustered'
import { graphOf, isBuilt } from './graphs'

const DIMENSIONS = 64
const K = 10

/** A store with a vector index. */
async function storeOf(t: Parameters<typeof temporaryDatabase>[0], precision: 'f32' | 'bf16') {
  const vectors = { near: { on: 'vector', dimensions: DIMENSIONS, precision } }
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id', vectors } } })
  return db.store('docs') as any
}

async function fill(docs: any, ids: number[], random: Random, vector: () => Vector) {
  for (let from = 0; from < ids.length; from += 500) {
    const some = ids.slice(from, from + 500)
    await docs.putMany(some.map((id) => ({ id, share: random.below(1000), vector: vector() })))
  }
}

for (const precision of ['f32', 'bf16'] as const) {
  test(`${precision}: what passes is found where clusters have too few of it`, async (t) => {
    const random = new Random(seed)
    const docs = await storeOf(t, precision)
    // A tenth of a cluster is three: the others are in clusters that lie further away.
    const vector = clustered(random, { dimensions: DIMENSIONS, clusters: 400 })
    await fill(
      docs,
      Array.from({ length: 12_000 }, (_, id) => id),
      random,
      vector,
    )
    await isBuilt(docs, 'near', vector())
    for (const share of [500, 100]) {
      const where = { share: { $lt: share } }
      const asked = random.list(60, vector)
      const expected = await docs.nearestMany('near', asked, { k: K, where, exact: true })
      let found = 0
      for (const [i, each] of asked.entries()) {
        const near = await docs.nearest('near', each, { k: K, where })
        assert.equal(near.length, K)
        assert.ok(near.every(({ doc }: any) => doc.share < share))
        const furthest = expected[i].at(-1).distance
        found += near.filter(({ distance }: any) => distance <= furthest).length
      }
      t.diagnostic(`LODESTORE_SEED=${seed} of ${share / 10} %: ${found} of ${60 * K}`)
      assert.ok(found >= 0.99 * 60 * K, `LODESTORE_SEED=${seed} of ${share / 10} %: ${found}`)
    }
  })
}

test('it is found out what is gone, though no search has met it', async (t) => {
  const random = new Random(seed)
  const docs = await storeOf(t, 'bf16')
  const vector = clustered(random, { dimensions: DIMENSIONS, clusters: 30 })
  const ids = Array.from({ length: 3000 }, (_, id) => id)
  await fill(docs, ids, random, vector)
  const explain = () => docs.nearest('near', vector()).explain()
  assert.equal((await isBuilt(docs, 'near', vector())).gone, 0)
  // Two thirds of them stay, so that the graph stays as well.
  const deleted = ids.filter((id) => id % 5 === 0)
  const changed = ids.filter((id) => id % 10 === 1)
  await docs.deleteMany(deleted)
  await fill(docs, changed, random, vector)
  // It may be found out in between what was deleted, before what was changed.
  const all = deleted.length + changed.length
  const told = await graphOf(explain, ({ notInGraph, gone }) => notInGraph === 0 && gone! >= all)
  assert.equal(told.gone, all)
  assert.equal(told.inGraph, ids.length + changed.length)
  // What few documents leave behind is noted by the searches that meet it.
  const target = vector()
  const [nearest] = await docs.nearest('near', target, { k: 1 })
  await docs.delete(nearest.key)
  const [next] = await docs.nearest('near', target, { k: 1 })
  assert.notEqual(next.key, nearest.key)
  assert.equal((await explain()).nearest.gone, told.gone! + 1)
})
