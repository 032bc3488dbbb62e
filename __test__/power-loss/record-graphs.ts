/** The recorded program: writes vectors, and has their graph kept in files. */

import { mark } from '../support/preload'
import { Random } from '../support/random'
import { change, FIRST, isKept, openKept, put, range, type Model } from '../vector/kept'

/** What the program is told to do. */
export interface Order {
  directory: string
  durability: 'strict' | 'relaxed'
  seed: number
  /** How often the graph grows enough to be written anew. */
  rounds: number
  isSealed: boolean
}

/** How the database is opened. */
export function optionsOf(isSealed: boolean): object {
  return isSealed ? { encryption: { key: Buffer.alloc(32, 5) } } : {}
}

/** So many vectors more, and the graph is written anew. */
const MORE = 300

async function main(): Promise<void> {
  const { directory, durability, seed, rounds, isSealed }: Order = JSON.parse(process.argv[2]!)
  const random = new Random(seed)
  const db = await openKept(`${directory}/db`, { durability, ...optionsOf(isSealed) })
  const docs = db.store('docs') as any
  const model: Model = new Map()
  await put(random, docs, model, range(0, FIRST))
  await isKept(random, docs, FIRST)
  // The commit that names it is on disk when it is acknowledged, not when it is seen.
  await db.flush()
  mark(directory, 'kept')
  for (let round = 0; round < rounds; round++) {
    await change(random, docs, model)
    await put(random, docs, model, range(FIRST + round * MORE, MORE))
    await isKept(random, docs, FIRST + round * MORE)
  }
  await db.close()
}

if (require.main === module) void main()
