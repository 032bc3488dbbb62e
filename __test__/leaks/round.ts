/** A round of mixed work, with a bounded amount of data: after it, nothing of it should be left. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import type { Database } from '../../index.js'
import { documents, rejects, throws } from '../support/database'
import type { Random } from '../support/random'
import { runtime } from '../support/runtime'

const KEYS = 500
const WORKER = join(__dirname, '..', 'lifetime', 'worker.mjs')

export const STORES = {
  docs: {
    keyPath: 'id',
    indexes: { byGroup: { on: 'group' }, byTag: { on: 'tags', multiEntry: true } },
  },
  packed: { keyPath: 'id', compression: 'zstd' },
  unique: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } },
  counters: {},
  // What the worker writes to.
  shared: { keyPath: 'id', indexes: { byFrom: { on: 'from' }, byTag: { on: 'tags' } } },
} as const

interface Place {
  db: Database
  directory: string
  random: Random
  round: number
}

const randomDocument = (random: Random) => ({
  id: random.below(KEYS),
  group: random.below(10),
  tags: random.list(random.below(4), () => `tag ${random.below(20)}`),
  text: 'x'.repeat(random.below(random.chance(0.05) ? 20_000 : 300)),
  [`extra ${random.below(30)}`]: random.next(),
})

/** Writes and deletes documents. */
export async function writes({ db, random }: Place): Promise<void> {
  await Promise.all(random.list(200, () => db.store('docs').put(randomDocument(random))))
  await db.store('packed').putMany(random.list(100, () => randomDocument(random)))
  await db.store('docs').deleteMany(random.list(50, () => random.below(KEYS)))
  await db.store('packed').delete({ gte: random.below(KEYS) })
}

async function reads({ db, random }: Place): Promise<void> {
  const store = db.store('docs')
  for (let i = 0; i < 100; i++) store.getSync(random.below(KEYS))
  await Promise.all(random.list(100, () => store.get(random.below(KEYS))))
  await store.getMany(random.list(100, () => random.below(KEYS)))
  await store.getAll()
  await store.index('byTag').count()
  for await (const { group } of store.index('byGroup').range({ gte: 2 })) {
    if (group > 5 && random.chance(0.05)) break
  }
  const cursor = store.openCursor(undefined, { direction: 'prev' })
  while ((await cursor.next()) && random.chance(0.9));
  if (random.chance(0.5)) await cursor.close()
}

async function queries({ db, random }: Place): Promise<void> {
  const store: any = db.store('docs')
  const group = random.below(10)
  await store.find({ group, [`extra ${random.below(30)}`]: { $exists: true } })
  await store
    .find({ tags: { $in: [`tag ${random.below(20)}`] } })
    .sort('-text')
    .limit(20)
  await store.find({ text: { $regex: 'x{3}' } }).count()
  await store.find().sort('group').page({ size: 50 })
  const rows = store.find({ group: { $gte: 0 } })
  for await (const { id } of rows) if (id > 400 && random.chance(0.05)) break
  const controller = new AbortController()
  const iterator = rows.signal(controller.signal)[Symbol.asyncIterator]()
  await iterator.next()
  controller.abort()
  await rejects(iterator.next(), 'ABORTED')
  // This one is left to the collector.
  await rows[Symbol.asyncIterator]().next()
}

async function transactions({ db, random }: Place): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.store('docs').put(randomDocument(random))
    const failed = tx.savepoint(async (inner) => {
      await inner.store('docs').clear()
      throw new RangeError('on purpose')
    })
    await assert.rejects(failed, RangeError)
  })
  const rolledBack = db.transaction(async (tx) => {
    await tx.store('packed').clear()
    throw new RangeError('on purpose')
  })
  await assert.rejects(rolledBack, RangeError)
  const tx = await db.begin({ mode: 'readonly' })
  await tx.store('docs').count()
  await tx.rollback()
}

async function snapshots({ db, random }: Place): Promise<void> {
  const snapshot = await db.snapshot()
  await db.store('docs').put(randomDocument(random))
  await snapshot.store('docs').getAll()
  snapshot.close()
  // This one is left to the collector.
  await (await db.snapshot()).store('docs').count()
}

async function schema({ db }: Place): Promise<void> {
  await db.createIndex('docs', 'made', ['-group', 'text'])
  await db.deleteIndex('docs', 'made')
  const made = await db.createObjectStore('made', { autoIncrement: true })
  await made.putMany(documents(50))
  await db.deleteObjectStore('made')
}

async function errors({ db, directory }: Place): Promise<void> {
  await db.store('unique').put({ id: 1, name: 'a' })
  await rejects(db.store('unique').put({ id: 2, name: 'a' }), 'UNIQUE_VIOLATION')
  await rejects(db.store('unique').add({ id: 1, name: 'b' }), 'KEY_EXISTS')
  await rejects(db.store('docs').get(NaN), 'INVALID_KEY')
  await rejects(db.createIndex('unique', 'byName', 'name'), 'INDEX_EXISTS')
  throws(() => db.store('nowhere'), 'STORE_NOT_FOUND')
  await rejects(open(join(directory, 'nowhere'), { mode: 'open' }), 'DATABASE_NOT_FOUND')
}

async function databases({ db, directory }: Place): Promise<void> {
  const again = await open(directory)
  await again.store('docs').count()
  await again.close()
  const memory = await open(':memory:', { stores: STORES })
  await memory.store('docs').putMany(documents(100))
  await memory.close()
  const space = await open(directory, { space: 'aside', stores: STORES })
  await space.store('docs').putMany(documents(100))
  await space.close()
  await db.deleteSpace('aside')
  const place = await mkdtemp(join(tmpdir(), 'lodestore-leaks-'))
  await db.backup(join(place, 'copy'))
  await rm(place, { recursive: true, force: true })
}

async function workers({ directory, round }: Place): Promise<void> {
  const ends = round % 2 === 0
  const workerData = { path: directory, work: ends ? 'write' : 'everything', name: 'worker' }
  const worker = new Worker(WORKER, { workerData })
  const exited = once(worker, 'exit')
  await once(worker, 'message')
  if (!ends) await worker.terminate()
  await exited
}

const PARTS = [writes, reads, queries, transactions, snapshots, schema, errors, databases]
// Deno finalizes no objects of workers: one that does not close its database, as these do, leaves
// about 40 KB behind (docs/guide.md, 'Runtimes').
if (runtime !== 'deno') PARTS.push(workers)

/** Does something of everything. */
export async function work(place: Place): Promise<void> {
  for (const part of PARTS) await part(place)
}
