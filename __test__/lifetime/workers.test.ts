/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { until } from '../support/check'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { Random, seed } from '../support/random'

const STORES = {
  shared: {
    keyPath: 'id',
    indexes: { byFrom: { on: 'from' }, byTag: { on: 'tags', multiEntry: true } },
  },
  counters: {},
} as const

function start(path: string, work: string, name: string): Worker {
  return new Worker(join(__dirname, 'worker.mjs'), { workerData: { path, work, name } })
}

/**
 * What a worker says before it ends. The last message and the end may arrive with nothing between
 * them, so both are waited for from the beginning.
 */
async function result(worker: Worker): Promise<any> {
  const [[message]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  return message
}

/**
 * Every document has its entries, and the counts are right. In one snapshot: what a thread had
 * written when it was terminated may be committed yet, and in Deno it goes on for a moment.
 */
async function assertConsistent(db: any): Promise<any[]> {
  const snapshot = await db.snapshot()
  try {
    const shared = snapshot.store('shared')
    const documents = await shared.getAll()
    assert.equal(await shared.count(), documents.length)
    for (const index of shared.indexNames) {
      const { on, multiEntry, state } = shared.index(index)
      if (state === 'building') continue
      const entries = await shared.index(index).count()
      const expected = documents.reduce(
        (n: number, d: any) => n + (multiEntry ? d[on].length : 1),
        0,
      )
      assert.equal(entries, expected, index)
    }
    return documents
  } finally {
    snapshot.close()
  }
}

test('worker threads share one database', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const workers = ['a', 'b', 'c'].map((name) => start(path, 'write', name))
  const written = await Promise.all(workers.map(result))
  const documents = await assertConsistent(db)
  assert.equal(
    documents.length,
    written.reduce((sum, n) => sum + n, 0),
  )
  assert.equal(await db.store('shared').index('byFrom').count('b'), 200)
  await db.close()
})

test('transactions of threads are isolated from each other', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  await db.store('counters').put(0, 'n')
  const workers = ['a', 'b', 'c'].map((name) => start(path, 'increment', name))
  const increments = Array.from({ length: 50 }, () =>
    db.transaction(async (tx: any) => {
      const n = await tx.store('counters').get('n')
      await tx.store('counters').put(n + 1, 'n')
    }),
  )
  await Promise.all([...increments, ...workers.map(result)])
  assert.equal(await db.store('counters').get('n'), 200)
  await db.close()
})

test('what a thread has acknowledged, another one reads at once', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const worker = start(path, 'echo', 'echo')
  await once(worker, 'message')
  for (let i = 0; i < 200; i++) {
    worker.postMessage(i)
    const [answer] = await once(worker, 'message')
    assert.equal(answer, i)
    assert.equal((await db.store('counters').get('echo')).i, i)
    assert.equal((await db.store('counters').get('echo')).name, `shape ${i}`)
  }
  worker.postMessage('end')
  await once(worker, 'exit')
  await db.close()
})

test('a change of the schema in one thread is seen by another one', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const worker = start(path, 'schema', 'schema')
  await once(worker, 'message')
  assert.deepEqual(db.storeNames, ['counters', 'made', 'shared'])
  assert.deepEqual(await db.store('made').index('byA').getAll(), [{ id: 1, a: 1 }])
  await db.renameObjectStore('made', 'renamed')
  const answer = result(worker)
  worker.postMessage('go on')
  assert.equal(await answer, 'renamed')
  await fails(() => db.store('renamed'), 'STORE_NOT_FOUND')
  await db.close()
})

test('a worker that never closes leaves the database in order', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  await once(start(path, 'leave', 'leaver'), 'exit')
  assert.equal((await assertConsistent(db)).length, 1)
  await db.store('shared').put({ id: 2, from: 'main', tags: [] })
  await db.close()
  await (await open(path)).close()
})

test('workers that are terminated in the middle of their work', async (t) => {
  const path = await temporaryDirectory(t)
  const random = new Random(seed)
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  for (const work of [
    'puts',
    'scans',
    'transactions',
    'opens',
    'indexes',
    'backups',
    'everything',
  ]) {
    for (let i = 0; i < 4; i++) {
      const worker = start(path, work, `${work} ${i}`)
      // Some die on the way to their first word, some in the middle of their work.
      if (!random.chance(0.2)) {
        const messages = random.between(1, 12)
        for (let n = 0; n < messages; n++) await once(worker, 'message')
      }
      await worker.terminate()
      await db.store('counters').put(i, work)
    }
    await assertConsistent(db)
  }
  // Nobody's transaction is left open, and nobody's snapshot.
  await db.transaction((tx: any) => tx.store('counters').put('free', 'end'))
  await db.close()
  const again = await open(path)
  for (const index of again.store('shared').indexNames) await built(again, index)
  await assertConsistent(again)
  await again.close()
})

/** Waits for an index that somebody else builds. */
const built = (db: any, index: string): Promise<void> =>
  until(`the build of ${index}`, () => db.store('shared').index(index).state === 'ready')

test('an index build goes on when its thread is terminated', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  const documents = Array.from({ length: 20_000 }, (_, i) => ({
    id: `${i}`,
    from: 'main',
    tags: [i],
  }))
  await db.store('shared').putMany(documents)
  const worker = start(path, 'build', 'builder')
  await once(worker, 'message')
  await worker.terminate()
  await built(db, 'built')
  assert.equal(await db.store('shared').index('built').count(), documents.length)
  await db.close()
})
