/** A process that writes vectors, and is killed while its graph is built or kept. */

import { Random } from '../support/random'
import { heard, say } from '../support/parent'
import { openKept, range, STORES, vectorOf } from './kept'

/** Keys are below. */
export const KEYS = 3_000

/** What the process is asked to do. */
export interface Work {
  path: string
  kind: keyof typeof KINDS
  seed: number
}

/** Too little memory for the vectors, most of the time. */
const near = { ...STORES.docs.vectors.near, precision: 'f32', m: 4, memoryLimit: 600_000 }

/** The databases: how they are opened. */
export const KINDS = {
  plain: {},
  encrypted: { encryption: { key: Buffer.alloc(32, 9) } },
  mapped: { stores: { docs: { ...STORES.docs, vectors: { near } } } },
} as const

async function main(): Promise<void> {
  const { path, kind, seed } = await heard<Work>()
  const random = new Random(seed)
  const db = await openKept(path, KINDS[kind] as object)
  const docs = db.store('docs') as any
  say({ begins: true })
  // Without end: the process is killed.
  for (;;) {
    const ids = range(0, random.between(1, 200)).map(() => random.below(KEYS))
    await docs.putMany(ids.map((id) => ({ id, group: id % 4, vector: vectorOf(random) })))
    await docs.deleteMany(range(0, random.below(60)).map(() => random.below(KEYS)))
    await docs.nearest('near', vectorOf(random))
  }
}

if (require.main === module) {
  main().catch((error) => {
    say({ failure: error?.stack ?? String(error) })
    process.exitCode = 1
  })
}
