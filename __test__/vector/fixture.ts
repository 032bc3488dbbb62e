// What stands in `tests/fixtures/vector-index`. It was made by
//
//   node --import tsx __test__/vector/fixture.ts tests/fixtures/vector-index
//
// and is never made again once it was released.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'

/** The stores of the fixture. */
export const STORES = {
  docs: {
    keyPath: 'id',
    indexes: { byGroup: { on: 'group' } },
    vectors: {
      near: { on: 'place', dimensions: 2, metric: 'l2' },
      bits: { on: 'in.bits', dimensions: 16, metric: 'hamming' },
    },
  },
} as const

/** Its documents, after a few changes. */
export const DOCUMENTS = [
  { id: 1, group: 1, place: Float32Array.of(1, 0) },
  { id: 2, group: 2, place: [2, 0], in: { bits: Uint8Array.of(255, 0) } },
  { id: 3, group: 1, place: [[9, 9], Int8Array.of(3, 0)] },
  { id: 4, in: { bits: [Uint8Array.of(0, 0), Uint8Array.of(255, 255)] } },
  { id: 6, group: 2, place: Float64Array.of(-4.5, 0) },
]

async function make(path: string): Promise<void> {
  const db = await open(path, { mode: 'create', stores: STORES })
  const docs = db.store('docs') as any
  await docs.putMany(DOCUMENTS.map((document) => ({ ...document, place: [0.5, 0.5] })))
  await docs.put({ id: 5, place: [1, 1] })
  await docs.putMany(DOCUMENTS)
  await docs.delete(5)
  await db.compact()
  await db.close()
  for (const name of ['lock.mdb', 'lodestore.lock']) rmSync(join(path, name), { force: true })
}

if (require.main === module) void make(process.argv[2]!)
