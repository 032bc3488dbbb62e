/** Stores of a test, and what filters find in them. */

import type { TestContext } from 'node:test'
import type { Database, StoreDefinition } from '../../index.js'
import { temporaryDatabase } from '../support/database'

/** A store of documents with the ids 0, 1, 2 … */
export async function storeOf(
  t: TestContext,
  documents: readonly object[],
  definition: StoreDefinition = {},
): Promise<{ db: Database; store: any; ids: (filter: object) => Promise<number[]> }> {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id', ...definition } } })
  const store: any = db.store('docs')
  await store.putMany(documents.map((document, id) => ({ id, ...document })))
  const ids = async (filter: object): Promise<number[]> =>
    (await store.find(filter).keys()).toSorted((a: number, b: number) => a - b)
  return { db, store, ids }
}

/** People, of every type of field that the tests ask about. */
export const PEOPLE = [
  { name: 'Ada', age: 36, city: 'London', tags: ['math', 'engines'], vip: true },
  { name: 'Alan', age: 41, city: 'London', tags: ['math'], vip: false },
  { name: 'Blaise', age: 39, city: 'Paris', tags: [] },
  { name: 'Émilie', age: 42, city: 'Paris', address: { street: 'Quai', no: 3 } },
  { name: 'Grace', age: 85, city: null, tags: ['compilers', 'navy'] },
  { name: 'Hedy', city: '', tags: 'film' },
] as const
