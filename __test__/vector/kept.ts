/** A store whose graph is kept in a file, and what has to be found in it. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { open, type Database, type OpenOptions } from '../../index.js'
import type { Random } from '../support/random'
import { distancesOf, type Document } from './brute-force'
import { graphOf } from './graphs'

export const DIMENSIONS = 16
/** Documents at first. */
export const FIRST = 1_500

/** The store. */
export const STORES = {
  docs: {
    keyPath: 'id',
    indexes: { byGroup: { on: 'group' } },
    vectors: { near: { on: 'vector', dimensions: DIMENSIONS, metric: 'l2' } },
  },
} as const

/** What is in the store. */
export type Model = Map<number, Document>

export function openKept(path: string, options: OpenOptions = {}): Promise<Database> {
  return open(path, { durability: 'relaxed', stores: STORES, ...options } as object)
}

/** A vector near one of a few places. */
export function vectorOf(random: Random): Float32Array {
  const place = random.below(20)
  const component = (_: unknown, i: number) => ((place * (i + 3)) % 7) + random.next()
  return Float32Array.from({ length: DIMENSIONS }, component)
}

/** Puts documents with new vectors. */
export async function put(random: Random, store: any, model: Model, ids: number[]): Promise<void> {
  const some = ids.map((id) => ({ id, group: id % 4, vector: vectorOf(random) }))
  for (const document of some) model.set(document.id, document)
  await store.putMany(some)
}

/** Numbers that follow each other. */
export const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i)

/** Changes a part of what there is: deletes, replaces, adds. */
export async function change(random: Random, store: any, model: Model, each = 40): Promise<void> {
  const left = [...model.keys()]
  const some = () => range(0, each).map(() => left.splice(random.below(left.length), 1)[0]!)
  const [gone, changed] = [some(), some()]
  for (const key of gone) model.delete(key)
  await store.deleteMany(gone)
  await put(random, store, model, changed)
  await put(random, store, model, range(1_000_000 + random.below(1_000_000_000), each))
}

/** Waits until the graph has all that is committed. */
export function isBuilt(random: Random, store: any) {
  const vector = vectorOf(random)
  return graphOf(
    () => store.nearest('near', vector).explain(),
    ({ notInGraph }) => notInGraph === 0,
  )
}

/** Waits until the graph is kept in a file, with so many vectors or more. */
export function isKept(random: Random, store: any, vectors = 1) {
  const vector = vectorOf(random)
  return graphOf(
    () => store.nearest('near', vector).explain(),
    ({ notInGraph, inFile }) => notInGraph === 0 && inFile! >= vectors,
  )
}

/** As many searches tell how many of the nearest are found: of fewer, chance would decide. */
const SEARCHES = 100

/**
 * Compares searches with all documents: what is found is there, as far away as is said, and in
 * order; exact searches find all, the others nearly all of the nearest, and each of them most: none
 * looks in the wrong place.
 */
export async function check(random: Random, store: any, model: Model, least = 0.98): Promise<void> {
  let [hits, all] = [0, 0]
  for (let left = SEARCHES; left > 0; left--) {
    const query = vectorOf(random)
    const expected = distancesOf(model.values(), 'l2', query)
    const distances = new Map(expected.map(({ key, distance }) => [key, distance]))
    for (const exact of [false, true]) {
      const found: any[] = await store.nearest('near', query, { k: 10, exact })
      assert.equal(found.length, Math.min(10, expected.length), 'as many as there are')
      const furthest = expected[found.length - 1]?.distance ?? 0
      let before = -Infinity
      let nearest = 0
      for (const { key, distance, doc } of found) {
        const own = distances.get(key)
        assert.ok(own !== undefined, `${key} has to be there`)
        assert.ok(Math.abs(own - distance) < 1e-6, `${key}: ${distance}, not ${own}`)
        assert.deepEqual(doc, model.get(key))
        assert.ok(distance >= before, 'in order')
        before = distance
        const isHit = distance <= furthest + 1e-6
        assert.ok(isHit || !exact, `${key} is not among the nearest`)
        if (isHit) nearest++
      }
      assert.ok(nearest * 2 >= found.length, `${nearest} of the nearest ${found.length}`)
      if (exact) continue
      hits += nearest
      all += found.length
    }
  }
  assert.ok(hits >= all * least, `${hits} of ${all}`)
}

/**
 * Searches for the vector of each document: exact searches find each, searches by the graph
 * nearly each.
 */
export async function checkEach(store: any, model: Model, least = 0.99): Promise<void> {
  const documents = [...model.values()]
  const vectors = documents.map(({ vector }) => vector)
  for (const exact of [true, false]) {
    const all: any[][] = await store.nearestMany('near', vectors, { k: 1, exact })
    const missed = documents.filter(({ id }, i) => all[i]![0].key !== id)
    const most = exact ? 0 : documents.length * (1 - least)
    assert.ok(missed.length <= most, `${missed.length} of ${documents.length} were not found`)
  }
}

/** The files with graphs of a database. */
export async function graphFiles(path: string): Promise<string[]> {
  const names = await readdir(join(path, 'vectors')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => name.endsWith('.graph')).map((name) => join(path, 'vectors', name))
}

/** Waits until there are so many files with graphs. */
export async function filesAre(path: string, count: number): Promise<string[]> {
  for (let left = 1_000; ; left--) {
    const found = await graphFiles(path)
    if (found.length === count) return found
    if (left === 0) throw new Error(`${found.length} files with graphs, not ${count}`)
    await later(10)
  }
}
