/** A user of a shared database with many vectors: a thread or a process, or that of the test. */

import assert from 'node:assert/strict'
import { open } from '../../index.js'
import { Random } from '../support/random'
import { serve } from '../support/serve'
import { distancesOf, type Document, type Vector } from './brute-force'
import type { Order } from './actor'

/** How many keys all users write to. */
export const KEYS = 3_000
const DIMENSIONS = 24

/** Two indexes of one field, and one of another. */
const vectors = {
  near: { on: 'vector', dimensions: DIMENSIONS, metric: 'l2' },
  strong: { on: 'vector', dimensions: DIMENSIONS, metric: 'dot', precision: 'f16' },
  alike: { on: 'other', dimensions: DIMENSIONS, metric: 'cosine', precision: 'f32' },
} as const

/** The vector indexes. */
export const INDEXES = Object.keys(vectors) as (keyof typeof vectors)[]

/** The store that users share. */
export const STORES = {
  docs: { keyPath: 'id', indexes: { byGroup: { on: 'group' } }, vectors },
}

/** What a user has found. */
export interface Tally {
  searches: number
  /** Searches that a graph answered. */
  byGraph: number
  /** Documents that there were to be found, and of these, those that were found. */
  wanted: number
  found: number
}

/** A vector near one of a few places. */
export function vectorOf(random: Random): Float32Array {
  const place = random.below(20)
  return Float32Array.from(
    { length: DIMENSIONS },
    (_, i) => ((place * (i + 3)) % 7) + random.next(),
  )
}

export function documentOf(random: Random, id = random.below(KEYS)): Document {
  const several = () => random.list(random.below(3), () => vectorOf(random))
  const vector = random.chance(0.9) ? vectorOf(random) : several()
  return { id, group: random.below(4), vector, ...(random.chance(0.8) && otherOf(random)) }
}

/** The vector of the other field. */
const otherOf = (random: Random) => ({ other: vectorOf(random) })

async function write(random: Random, store: any): Promise<void> {
  const some = () => random.list(random.between(1, 100), () => documentOf(random))
  await random.weighted<() => Promise<unknown>>([
    [6, () => store.putMany(some())],
    [3, () => store.deleteMany(random.list(50, () => random.below(KEYS)))],
    [2, () => store.update(random.below(KEYS), { $set: { group: random.below(4) } })],
    // Of one index a vector is another one, or gone.
    [1, () => store.update(random.below(KEYS), { $set: otherOf(random) })],
    [1, () => store.update(random.below(KEYS), { $unset: { other: true } })],
  ])()
}

/** Compares searches with all documents of the same state. */
async function search(random: Random, store: any, tally: Tally): Promise<void> {
  const documents: Document[] = await store.getAll()
  for (let left = 3; left > 0; left--) {
    const query: Vector = vectorOf(random)
    const [k, group] = [random.between(1, 20), random.chance(0.5) ? random.below(4) : undefined]
    const among = documents.filter((document) => group === undefined || document.group === group)
    const index = random.pick(INDEXES)
    const { on, metric } = vectors[index]
    const all = distancesOf(
      among.map((document) => ({ id: document.id, vector: document[on] })),
      metric,
      query,
    )
    const where = group === undefined ? undefined : { group }
    const asked = store.nearest(index, query, { k, where })
    const found = await asked
    assert.equal(found.length, Math.min(k, all.length))
    const distances = new Map(all.map(({ key, distance }) => [key, distance]))
    let before = -Infinity
    for (const { key, distance } of found) {
      const own = distances.get(key)
      const what = `${index}: ${key}: ${distance}, ${own}`
      assert.ok(own !== undefined && Math.abs(own - distance) < 1e-9, what)
      assert.ok(distance >= before)
      before = distance
    }
    const furthest = (all[found.length - 1]?.distance ?? 0) + 1e-9
    tally.found += found.filter(({ distance }: any) => distance <= furthest).length
    tally.wanted += found.length
    tally.searches++
    if ((await asked.explain()).nearest.method !== 'exact') tally.byGraph++
  }
}

/** Uses the database. @throws what is wrong */
export async function act({ path, seed, steps }: Order): Promise<Tally> {
  const db = await open(path, { durability: 'relaxed', busyTimeout: 120_000 })
  const random = new Random(seed)
  const tally = { searches: 0, byGraph: 0, wanted: 0, found: 0 }
  const undone = new Error('undone')
  for (let i = 0; i < steps; i++) {
    await write(random, db.store('docs'))
    if (i % 3 === 0) {
      const snapshot = await db.snapshot()
      // What is written meanwhile does not show.
      const written = write(random, db.store('docs'))
      await search(random, snapshot.store('docs'), tally)
      await written
      await search(random, snapshot.store('docs'), tally)
      snapshot.close()
    }
    if (i % 5 !== 0) continue
    await db
      .transaction(async (tx: any) => {
        await write(random, tx.store('docs'))
        await search(random, tx.store('docs'), tally)
        throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
  }
  await db.close()
  return tally
}

serve(module, act)
