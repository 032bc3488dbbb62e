/** Work on many documents, during which the event loop has to go on turning. */

import { join } from 'node:path'
import type { Database } from '../../index.js'

/** Something to measure. */
export interface Work {
  name: string
  run(): Promise<unknown>
  /** Is called before it, and not measured. */
  prepare?(): void
}

/** What is kept in memory at once. */
export const MOST_IN_MEMORY = 100_000

/** The stores that `worksOn` works on. */
export const STORES = { documents: { keyPath: 'id' } } as const

/** Document i: 12 fields, about 350 bytes of JSON. */
export function documentAt(i: number): object {
  const h = Math.imul(i ^ (i >>> 15), 0x85ebca6b) >>> 0
  return {
    id: i,
    name: `Name ${h % 5000} of ${h % 977}`,
    email: `user.${i}.${h.toString(36)}@mail.example.org`,
    city: `City ${(i * 7919) % 1000}`,
    age: h % 100,
    score: (i * 48_271) % 1_000_003,
    balance: (h % 1_000_000) / 100 + 0.25,
    active: (h & 4) !== 0,
    address: {
      street: `${1 + (h % 250)} Garden Lane, Apartment ${1 + (h % 40)}`,
      zip: String(10_000 + (h % 90_000)),
      country: 'Portugal',
    },
    tags: ['amber', 'birch', 'coral'],
    created: 1_577_836_800_000 + i * 1000,
    notes: 'Prefers to be called in the morning; asked twice about the delivery to the new place.',
  }
}

function* documents(count: number): Generator<object> {
  for (let i = 0; i < count; i++) yield documentAt(i)
}

/** What is measured, in this order: each finds the documents that the first one has loaded. */
export function worksOn(db: Database<any>, directory: string, count: number): Work[] {
  const store = db.store('documents')
  const few = Math.min(count, MOST_IN_MEMORY)
  let array: object[] = []
  let round = 0
  return [
    { name: 'load', run: () => store.putMany(documents(count)) },
    { name: 'load, not atomic', run: () => store.putMany(documents(count), { atomic: false }) },
    {
      name: 'load an array',
      prepare: () => {
        array = [...documents(few)]
      },
      run: () => store.putMany(array),
    },
    { name: 'scan', run: () => consume(store.range()) },
    { name: 'scan keys', run: () => consume(store.keys()) },
    { name: 'cursor', run: () => consume(store.openCursor({ lt: few })) },
    { name: 'getAll', run: () => store.getAll({ limit: few }) },
    { name: 'get, one by one', run: () => oneByOne((i) => store.get(i), few) },
    { name: 'count a range', run: () => store.count({ gte: 1 }) },
    { name: 'find by a filter', run: () => consume(store.find({ age: { $lt: 5 } })) },
    { name: 'count by a filter', run: () => store.count({ balance: { $gt: 5000 } }) },
    { name: 'sort, limit 20', run: () => store.find().sort('-balance').limit(20).toArray() },
    // The keys of 1,000,000 of these take more than a sort keeps in memory.
    { name: 'sort', run: () => consume(store.find().sort(['name', 'email']).keys()) },
    {
      name: 'aggregate',
      run: () =>
        store
          .aggregate([
            { $group: { _id: '$city', people: { $count: {} }, best: { $max: '$score' } } },
            { $sort: { people: -1 } },
          ])
          .toArray(),
    },
    { name: 'update all', run: () => store.find().update({ $inc: { age: 1 } }) },
    {
      name: 'build an index',
      run: async () => {
        const name = `index ${round++}`
        await db.createIndex('documents', name, ['city', 'age'])
        await db.deleteIndex('documents', name)
      },
    },
    { name: 'verify', run: () => db.verify() },
    { name: 'back up', run: () => db.backup(join(directory, `copy ${round++}`)) },
  ]
}

async function consume(rows: AsyncIterable<unknown>): Promise<void> {
  const iterator = rows[Symbol.asyncIterator]()
  while (!(await iterator.next()).done);
}

async function oneByOne(step: (i: number) => Promise<unknown>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await step(i)
}
