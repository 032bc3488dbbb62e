// Queries in mid-iteration: what they hold goes with whatever ends them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { until } from '../support/check'
import { rejects, temporaryDirectory } from '../support/database'

const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const

const reading = import('./reading.mjs' as string) as Promise<{
  KINDS: number
  beginReading(db: unknown): Promise<AsyncIterator<unknown>[]>
}>

async function filled(t: any): Promise<{ path: string; db: any }> {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  t.after(() => db.close())
  await db
    .store('s')
    .putMany(Array.from({ length: 10_000 }, (_, id) => ({ id, a: id % 9, b: id % 100 })))
  return { path, db }
}

/** Snapshots of all handles, and queries of this one. */
async function held(db: any): Promise<{ readers: number; queries: number }> {
  await setImmediate()
  const { readers, queries } = await db.stats()
  return { readers, queries }
}

test('iterators that are ended hold nothing', async (t) => {
  const { db } = await filled(t)
  const { KINDS, beginReading } = await reading
  const before = await held(db)
  assert.equal(before.queries, 0)
  const iterators = await beginReading(db)
  const during = await held(db)
  assert.equal(during.queries, KINDS)
  assert.ok(during.readers >= before.readers + KINDS)
  for (const iterator of iterators) await iterator.return!()
  assert.deepEqual(await held(db), before)
})

test('a handle that is closed holds nothing, and others go on', async (t) => {
  const { path, db } = await filled(t)
  const { KINDS, beginReading } = await reading
  const own = await beginReading(db)
  const before = await held(db)
  assert.equal(before.queries, KINDS)
  const other = await open(path)
  const iterators = await beginReading(other)
  assert.equal((await held(other)).queries, KINDS)
  await other.close()
  assert.deepEqual(await held(db), before)
  for (const iterator of iterators) await rejects(iterator.next(), 'CLOSED')
  for (const iterator of own) {
    let rows = 300
    while (!(await iterator.next()).done) rows++
    assert.ok(rows >= 9900, `${rows} rows`)
  }
  assert.equal((await held(db)).queries, 0)
})

test('a worker that is terminated holds nothing', async (t) => {
  const { path, db } = await filled(t)
  const { KINDS } = await reading
  const before = await held(db)
  const worker = new Worker(join(__dirname, 'iterate.mjs'), { workerData: path })
  const [queries] = await once(worker, 'message')
  assert.equal(queries, KINDS)
  const during = await held(db)
  assert.ok(
    during.readers >= before.readers + KINDS,
    `${JSON.stringify(during)} after ${JSON.stringify(before)}`,
  )
  await worker.terminate()
  await until('the end of all snapshots', async () => (await held(db)).readers <= before.readers)
  const { fileSize } = await db.stats()
  await db.store('s').delete({ gte: 10 })
  await db.compact()
  assert.ok((await db.stats()).fileSize < fileSize)
})
