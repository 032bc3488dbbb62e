// What stands in `tests/fixtures/vector-graph`: a database with a vector index whose graph is kept
// in a file, and is older than the database. It was made by
//
//   node --import tsx __test__/vector/graph-fixture.ts tests/fixtures/vector-graph
//
// and is never made again once it was released.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import { graphOf } from './graphs'

/** Vectors that the graph has. */
export const KEPT = 1_050

/** The store of the fixture. */
export const STORES = {
  docs: {
    keyPath: 'id',
    vectors: { near: { on: 'v', dimensions: 3, metric: 'l2', precision: 'f32', m: 4 } },
  },
} as const

const document = (id: number, z: number) => ({
  id,
  v: Float32Array.of(id % 100, (id / 100) | 0, z),
})

/** Its documents, after a few changes. */
export const DOCUMENTS = [
  ...Array.from({ length: 90 }, (_, id) => document(id, 1)),
  ...Array.from({ length: 940 }, (_, i) => document(i + 100, 0)),
]

async function make(path: string): Promise<void> {
  const db = await open(path, { mode: 'create', stores: STORES })
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: KEPT }, (_, id) => document(id, 0)))
  const explain = () => docs.nearest('near', [0, 0, 0]).explain()
  await graphOf(explain, ({ inFile }) => inFile === KEPT)
  await docs.putMany(DOCUMENTS)
  await docs.deleteMany(Array.from({ length: 10 }, (_, i) => i + 90))
  await docs.deleteMany(Array.from({ length: 10 }, (_, i) => i + 1_040))
  await db.compact()
  await db.close()
  for (const name of ['lock.mdb', 'lodestore.lock', 'data.journal', join('vectors', 'lock')]) {
    rmSync(join(path, name), { force: true })
  }
}

if (require.main === module) void make(process.argv[2]!)
