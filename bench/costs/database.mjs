import { createRequire } from 'node:module'
import { documentAt, Random, scoreOf } from '../dataset.mjs'
import { check } from '../lib/measure.mjs'

const { open } = createRequire(import.meta.url)('../../index.js')

const BATCH = 1000
/** Reads of one call of a variant. */
export const READS = 200

/** A database with one store of the benchmark's documents, without indexes. */
export async function filled(path, count) {
  const db = await open(path, { durability: 'none', stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs')
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from)
    await docs.putMany(Array.from({ length: size }, (_, i) => documentAt(from + i)))
  }
  return { db, docs }
}

export { open }

/**
 * Random point reads whose answers are checked by their sum.
 *
 * @param {number} count documents
 * @returns {(read: (id: number) => object) => (() => Promise<void>)} makes a variant of a read that
 *   is awaited; `sync` makes one of a read that is not
 */
export function readsOf(count) {
  const random = new Random(7)
  const batches = Array.from({ length: 64 }, () => {
    const ids = Array.from({ length: READS }, () => random.below(count))
    return { ids, sum: ids.reduce((sum, id) => sum + scoreOf(id), 0) }
  })
  let next = 0
  const take = () => batches[next++ % batches.length]
  const awaited = (read) => async () => {
    const { ids, sum } = take()
    let found = 0
    for (const id of ids) found += (await read(id)).score
    check(found === sum, 'a read answered another document')
  }
  awaited.sync = (read) => () => {
    const { ids, sum } = take()
    let found = 0
    for (const id of ids) found += read(id).score
    check(found === sum, 'a read answered another document')
  }
  return awaited
}
