// What searches have to give: distances by plain sums over all documents.

import type { VectorMetric } from '../../index.js'

/** A vector as tests have it: bits for `hamming`. */
export type Vector = Float32Array | Float64Array | Int8Array | Uint8Array | number[]

/** A document as tests have it. */
export interface Document {
  id: number
  group?: number
  vector?: unknown
  [field: string]: unknown
}

/** The distance of two vectors. */
export function distanceOf(metric: VectorMetric, one: Vector, other: Vector): number {
  if (metric === 'hamming') {
    let bits = 0
    for (let i = 0; i < one.length; i++) {
      for (let left = one[i]! ^ other[i]!; left > 0; left &= left - 1) bits++
    }
    return bits
  }
  let [dot, ones, others, squares] = [0, 0, 0, 0]
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [Math.fround(one[i]!), Math.fround(other[i]!)]
    dot += a * b
    ones += a * a
    others += b * b
    squares += (a - b) ** 2
  }
  if (metric === 'dot') return -dot
  return metric === 'l2' ? Math.sqrt(squares) : 1 - dot / Math.sqrt(ones * others)
}

/** The vectors of a field. */
export function vectorsOf(field: unknown): Vector[] {
  if (field === undefined || field === null) return []
  const isMany = Array.isArray(field) && typeof field[0] !== 'number'
  return (isMany ? field : [field]) as Vector[]
}

/** A document as far as it is near. */
interface Near {
  key: number | string
  distance: number
}

/** Distances of what has vectors: of each document that of its nearest. */
export function distancesOf(
  documents: Iterable<{ id: number | string; vector?: unknown }>,
  metric: VectorMetric,
  query: Vector,
): Near[] {
  const found: Near[] = []
  for (const { id, vector } of documents) {
    const distances = vectorsOf(vector).map((own) => distanceOf(metric, query, own))
    if (distances.length > 0) found.push({ key: id, distance: Math.min(...distances) })
  }
  return found.toSorted((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
}

/** Whether two sums of the same numbers can be the same. */
const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a))

/**
 * What is wrong with what was found, if anything: the right number of the nearest documents, with
 * their distances, in order. Sums may differ in their last digits, and then so may the order.
 */
export function faultOf(
  found: { key: unknown; distance: number }[],
  all: Near[],
  k: number,
): string | undefined {
  const expected = all.slice(0, k)
  if (found.length !== expected.length) return `${found.length} hits, not ${expected.length}`
  if (new Set(found.map(({ key }) => key)).size < found.length) return 'a hit comes twice'
  const distances = new Map(all.map(({ key, distance }) => [key, distance]))
  for (const [i, { key, distance }] of found.entries()) {
    const own = distances.get(key as number | string)
    if (own === undefined) return `hit ${i}, ${String(key)}, should not be there`
    if (!isNear(own, distance)) return `hit ${i}, ${String(key)}: ${distance}, not ${own}`
    if (!isNear(expected[i]!.distance, distance)) return `hit ${i}, ${String(key)}, is not next`
    const before = found[i - 1]
    if (before === undefined) continue
    if (before.distance > distance) return `hit ${i} is nearer than the one before`
    if (before.distance === distance && !(before.key! < key!)) return `hit ${i}: ties by key`
  }
  return undefined
}
