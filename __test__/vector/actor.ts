/** A user of a shared database with vectors: a thread or a process, or the thread of the test. */

import { open, type VectorMetric } from '../../index.js'
import { Random } from '../support/random'
import { serve } from '../support/serve'
import { distancesOf, faultOf, type Document, type Vector } from './brute-force'

/** How many keys all users write to. */
const KEYS = 120

/** The indexes of all stores that users share, by the store's name. */
export const METRICS: Record<string, VectorMetric> = {
  angles: 'cosine',
  products: 'dot',
  places: 'l2',
  bits: 'hamming',
}

const DIMENSIONS = 16

/** The stores that users share. */
export const STORES = Object.fromEntries(
  Object.entries(METRICS).map(([name, metric]) => [
    name,
    {
      keyPath: 'id',
      indexes: { byGroup: { on: 'group' } },
      vectors: { near: { on: 'vector', dimensions: DIMENSIONS, metric } },
    },
  ]),
)

/** What a user is to do. */
export interface Order {
  path: string
  seed: number
  steps: number
}

class Actor {
  searches = 0
  private readonly random: Random

  constructor(
    private readonly db: any,
    seed: number,
  ) {
    this.random = new Random(seed)
  }

  async step(): Promise<void> {
    const { random } = this
    const name = random.pick(Object.keys(METRICS))
    const metric = METRICS[name]!
    await random.weighted([
      [6, () => this.write(this.db.store(name), metric)],
      [2, () => this.searchSnapshot(name, metric)],
      [2, () => this.inTransaction(name, metric)],
    ])()
  }

  private vector(metric: VectorMetric): Vector {
    const { random } = this
    if (metric === 'hamming') return Uint8Array.of(random.below(256), random.below(256))
    // Few different components, so that distances are often equal, but never zeros alone.
    const components = random.list(DIMENSIONS, () => random.between(-2, 2))
    components[0] ||= 1
    const Type = random.pick([Float32Array, Float64Array, Int8Array, Array])
    return Type.from(components) as Vector
  }

  private document(metric: VectorMetric): Document {
    const { random } = this
    const vector = random.weighted<() => unknown>([
      [6, () => this.vector(metric)],
      [2, () => random.list(random.below(4), () => this.vector(metric))],
      [1, () => null],
      [1, () => undefined],
    ])()
    return { id: random.below(KEYS), group: random.below(5), vector }
  }

  private async write(store: any, metric: VectorMetric): Promise<void> {
    const { random } = this
    await random.weighted<() => Promise<unknown>>([
      [8, () => store.put(this.document(metric))],
      [4, () => store.delete(random.below(KEYS))],
      [3, () => store.update(random.below(KEYS), { $set: { vector: this.vector(metric) } })],
      [2, () => store.update(random.below(KEYS), { $set: { group: random.below(5) } })],
      [2, () => store.putMany(random.list(10, () => this.document(metric)))],
      [1, () => store.find({ group: random.below(5) }).update({ $unset: { vector: 1 } })],
      [1, () => store.delete({ gte: random.between(80, KEYS), lt: KEYS })],
      [0.3, () => store.clear()],
    ])()
  }

  /** Compares searches with all documents of the same state. */
  private async search(store: any, metric: VectorMetric): Promise<void> {
    const { random } = this
    const documents: Document[] = await store.getAll()
    for (let left = 3; left > 0; left--) {
      const query = this.vector(metric)
      const k = random.between(1, 20)
      const group = random.chance(0.5) ? random.below(5) : undefined
      const among = documents.filter((document) => group === undefined || document.group === group)
      const where = group === undefined ? undefined : { group }
      const found = await store.nearest('near', query, { k, where })
      const fault = faultOf(found, distancesOf(among, metric, query), k)
      if (fault !== undefined) throw new Error(`${metric}, k ${k}, group ${group}: ${fault}`)
      this.searches++
    }
  }

  private async searchSnapshot(name: string, metric: VectorMetric): Promise<void> {
    const snapshot = await this.db.snapshot()
    // What is written meanwhile does not show.
    const written = this.write(this.db.store(name), metric)
    await this.search(snapshot.store(name), metric)
    snapshot.close()
    await written
  }

  private async inTransaction(name: string, metric: VectorMetric): Promise<void> {
    const undone = new Error('undone')
    await this.db
      .transaction(async (tx: any) => {
        const store = tx.store(name)
        for (let left = this.random.between(1, 4); left > 0; left--) await this.write(store, metric)
        await this.search(store, metric)
        await tx
          .savepoint(async () => {
            await this.write(store, metric)
            await this.search(store, metric)
            if (this.random.chance(0.5)) throw undone
          })
          .catch(unless(undone))
        await this.search(store, metric)
        if (this.random.chance(0.3)) throw undone
      })
      .catch(unless(undone))
  }
}

function unless(expected: Error): (error: unknown) => void {
  return (error) => {
    if (error !== expected) throw error
  }
}

/** Uses the database; returns how many searches were right. @throws what is wrong */
export async function act({ path, seed, steps }: Order): Promise<number> {
  const db = await open(path, { durability: 'relaxed', busyTimeout: 120_000 })
  const actor = new Actor(db, seed)
  for (let i = 0; i < steps; i++) await actor.step()
  await db.close()
  return actor.searches
}

serve(module, act)
