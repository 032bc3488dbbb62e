import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDirectory, throws } from '../support/database'

test('close waits for the writes that were accepted', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores: { users: { keyPath: 'id' } } })
  const puts = Array.from({ length: 100 }, (_, id) => db.store('users').put({ id }))
  await db.close()
  assert.deepEqual(
    await Promise.all(puts),
    Array.from({ length: 100 }, (_, id) => id),
  )

  const again = await open(path)
  t.after(() => again.close())
  assert.equal(await again.store('users').count(), 100)
})

test('close is idempotent and emits once', async (t) => {
  const db = await open(await temporaryDirectory(t))
  let closed = 0
  db.on('close', () => closed++)
  await Promise.all([db.close(), db.close()])
  await db.close()
  assert.equal(closed, 1)
  assert.equal(db.closed, true)
})

test('everything is CLOSED afterwards', async (t) => {
  const db = await open(await temporaryDirectory(t), {
    stores: { users: { keyPath: 'id', indexes: { byName: { on: 'name' } } } },
  })
  const users = db.store('users')
  const byName = users.index('byName')
  const snapshot = await db.snapshot()
  const cursor = users.openCursor()
  const unmoved = byName.openCursor()
  await users.putMany(Array.from({ length: 2000 }, (_, id) => ({ id })))
  assert.equal(await cursor.next(), true)
  const iterator = users.range()[Symbol.asyncIterator]()
  const begun = users.range({ gte: 1 })[Symbol.asyncIterator]()
  for (let i = 0; i < 256; i++) await begun.next()
  const snapshotUsers = snapshot.store('users')
  const snapshotIterator = snapshotUsers.range()[Symbol.asyncIterator]()
  await db.close()

  const calls = [
    () => users.put({ id: 1 }),
    () => users.putMany([{ id: 1 }]),
    () => users.get(1),
    () => users.getMany([1]),
    () => users.has(1),
    () => users.delete(1),
    () => users.deleteMany([1]),
    () => users.clear(),
    () => users.count(),
    () => users.getAll(),
    () => users.range().toArray(),
    () => byName.get('a'),
    () => byName.getKey('a'),
    () => db.createObjectStore('x'),
    () => db.createIndex('users', 'x', 'x'),
    () => db.transaction(() => {}),
    () => db.begin(),
    () => db.snapshot(),
    () => db.stats(),
    () => db.flush(),
    () => db.spaces(),
    () => db.backup('./never'),
    () => db.compact(),
    () => cursor.seek(1),
    async () => db.storeNames,
    async () => snapshot.store('users'),
    () => iterator.next(),
    () => begun.next(),
    () => unmoved.next(),
    () => snapshotUsers.get(1),
    () => snapshotUsers.getAll(),
    () => snapshotUsers.getMany([1]),
    () => snapshotIterator.next(),
  ]
  for (const call of calls) {
    const error = await rejects(call(), 'CLOSED')
    assert.ok(error instanceof Error, String(call))
  }
  throws(() => users.getSync(1), 'CLOSED')
  throws(() => db.store('users'), 'CLOSED')
  snapshot.close()
})

test('close rolls open transactions back', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores: { users: { keyPath: 'id' } } })
  const tx = await db.begin()
  await tx.store('users').put({ id: 1 })
  await db.close()
  await assert.rejects(tx.commit())

  const again = await open(path)
  t.after(() => again.close())
  assert.equal(await again.store('users').count(), 0)
})

test('await using closes', async (t) => {
  const path = await temporaryDirectory(t)
  let outer
  {
    await using db = await open(path)
    outer = db
    assert.equal(db.closed, false)
  }
  assert.equal(outer.closed, true)
})
