// The state that reads of one turn of the event loop share is let go of at its end.

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { open } from '../../index.js'
import type { Database } from '../../index.js'
import { documents, temporaryDirectory } from '../support/database'

/** Snapshots that are held once the turn has ended. */
async function held(db: Database): Promise<number> {
  await setImmediate()
  await setImmediate()
  return (await db.stats()).readers
}

test('nothing is held between turns, whatever read in the last one', async (t) => {
  const db: Database = await open(await temporaryDirectory(t), { durability: 'relaxed' })
  t.after(() => db.close())
  assert.equal(await held(db), 0, 'open')
  await db.createObjectStore('s', { keyPath: 'id', indexes: { byGroup: { on: 'group' } } })
  assert.equal(await held(db), 0, 'createObjectStore')
  const s = db.store('s')
  await s.putMany(documents(2000))
  assert.equal(await held(db), 0, 'putMany')

  const reads: Record<string, () => unknown> = {
    store: () => db.store('s'),
    storeNames: () => db.storeNames,
    get: () => s.get(1),
    getSync: () => s.getSync(1),
    getMany: () => s.getMany([1, 2]),
    'getMany of many': () => s.getMany(Array.from({ length: 1500 }, (_, i) => i)),
    count: () => s.count({ gte: 5 }),
    getAll: () => s.getAll(),
    createIndex: () => db.createIndex('s', 'byName', 'name'),
    transaction: () => db.transaction(() => s.get(1)),
    'read-only transaction': () => db.transaction(() => s.get(1), { mode: 'readonly' }),
  }
  for (const [name, read] of Object.entries(reads)) {
    await read()
    assert.equal(await held(db), 0, name)
  }

  const snapshot = await db.snapshot()
  assert.equal(await held(db), 1, 'an open snapshot')
  snapshot.close()
  assert.equal(await held(db), 0, 'a closed snapshot')

  const tx = await db.begin({ mode: 'readonly' })
  assert.equal(await held(db), 1, 'an open read-only transaction')
  await tx.rollback()
  assert.equal(await held(db), 0, 'a read-only transaction that has ended')
})

test('what reads of a turn share is none of its snapshots', async (t) => {
  const db: Database = await open(await temporaryDirectory(t), { stores: { s: {} } })
  t.after(() => db.close())
  const s = db.store('s')
  await s.put('a', 1)
  assert.equal(s.getSync(1), 'a')
  assert.equal((await db.stats()).readers, 0)
  const snapshot = await db.snapshot()
  assert.equal(s.getSync(1), 'a')
  const stats = db.stats()
  // Reads of this turn go on.
  assert.equal(s.getSync(1), 'a')
  assert.equal(snapshot.store('s').getSync(1), 'a')
  assert.equal((await stats).readers, 1)
  snapshot.close()
})

test('what is begun in one turn and read in another is let go of, too', async (t) => {
  const db = await open(await temporaryDirectory(t), { stores: { s: { keyPath: 'id' } } })
  t.after(() => db.close())
  const s = db.store('s')
  await s.putMany(documents(10))
  const iterator = s.range()[Symbol.asyncIterator]()
  const cursor = s.openCursor()
  assert.equal(await held(db), 0)

  assert.deepEqual((await iterator.next()).value, documents(1)[0])
  assert.equal(await held(db), 0, 'a scan of a single chunk')
  assert.equal(await cursor.next(), true)
  assert.equal(await held(db), 1, 'a cursor')
  await cursor.close()
  assert.equal(await held(db), 0)
})
