/** What operations aim at: stores, indexes, keys and ranges, most of which are there. */

import type { Random } from '../support/random'
import type { DatabaseModel } from './database'
import type { Key } from './keys'
import type { Query } from './queries'
import type { StoreModel } from './store'
import type { RandomValues } from './values'

/** The names that stores have in a run. */
export const STORES = ['people', 'orders', 'events', 'notes', 'Ünïcode \u0000']
/** The names that indexes have. */
export const INDEXES = ['first', 'second', 'third', 'fourth']

/** Chooses targets by the state that a model is in. */
export class Targets {
  constructor(
    private readonly random: Random,
    private readonly values: RandomValues,
  ) {}

  storeName(model: DatabaseModel): string {
    const { random } = this
    return random.chance(0.03) ? random.pick(STORES) : random.pick(model.storeNames)
  }

  indexName(model: DatabaseModel, store: string): string {
    const names = model.storeNames.includes(store) ? [...model.store(store).indexes.keys()] : []
    return names.length > 0 && !this.random.chance(0.1)
      ? this.random.pick(names)
      : this.random.pick(INDEXES)
  }

  /** A key that may be there, often the last one: writes above it are short-cut. */
  keyFor(store: StoreModel | undefined): Key {
    const { random, values } = this
    const there = store !== undefined && store.rows.length > 0 && random.chance(0.5)
    if (there) return (random.chance(0.2) ? store.rows.at(-1)! : random.pick(store.rows)).key
    if (Array.isArray(store?.options.keyPath)) return [values.key(), values.key()]
    return values.key()
  }

  someIndex(model: DatabaseModel, store: string): string | undefined {
    if (!model.storeNames.includes(store)) return undefined
    const hasIndexes = model.store(store).indexes.size > 0
    return this.random.chance(hasIndexes ? 0.6 : 0.05) ? this.indexName(model, store) : undefined
  }

  /** A range of keys that may be in the store or index. */
  query(store: StoreModel | undefined, index: string | undefined): Query {
    const { random } = this
    const bound = (): Key => this.bound(store, index)
    const form = random.weighted([
      [2, 'everything'],
      [3, 'key'],
      [5, 'bounds'],
      [3, 'range'],
    ] as const)
    if (form === 'everything') return { form }
    if (form === 'key') return { form, lower: bound() }
    const query: Query = { form }
    const sides = random.pick(['lower', 'upper', 'both', 'both'])
    if (sides !== 'upper') Object.assign(query, { lower: bound(), lowerOpen: random.chance(0.5) })
    if (sides !== 'lower') Object.assign(query, { upper: bound(), upperOpen: random.chance(0.5) })
    return query
  }

  /** Nothing is no range to delete; bounds that are not there are. */
  deletedRange(store: StoreModel | undefined): Query {
    const query = this.query(store, undefined)
    return query.form === 'everything' ? { form: 'bounds' } : query
  }

  private bound(store: StoreModel | undefined, name: string | undefined): Key {
    const { random, values } = this
    if (name === undefined) return this.keyFor(store)
    const index = store?.indexes.get(name)
    if (index === undefined) return values.indexed()
    const entries = index.entries
    const some =
      entries.length > 0 && random.chance(0.6)
        ? random.pick(entries).components
        : index.parts.map(() => values.indexed())
    if (!index.compound) return some[0]!
    if (random.chance(0.1)) return random.pick([[], [...some, values.indexed()], some[0]!])
    return some.slice(0, random.between(1, some.length))
  }
}
