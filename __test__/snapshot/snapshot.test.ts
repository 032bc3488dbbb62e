import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, documents, rejects, temporaryDatabase, throws } from '../support/database'

const stores = { users: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } } } as const

test('a snapshot reads one state until it is closed', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await users.putMany(documents(2000))
  const snapshot = await db.snapshot()
  await users.put({ id: 0, group: 99 })
  await users.delete({ gte: 10 })
  await db.createObjectStore('more')

  const held = snapshot.store('users')
  assert.equal(await held.count(), 2000)
  assert.deepEqual(await held.get(0), documents(1)[0])
  assert.deepEqual(held.getSync(1999), documents(2000)[1999])
  assert.deepEqual(await held.getMany([5000, 15]), [undefined, documents(16)[15]])
  assert.equal((await collect(held.range())).length, 2000)
  assert.equal((await held.index('byGroup').getAll(3)).length, 200)
  assert.equal(await held.index('byGroup').count(99), 0)
  assert.deepEqual(snapshot.storeNames, ['users'])
  throws(() => snapshot.store('more'), 'STORE_NOT_FOUND', { store: 'more' })
  assert.equal(await users.count(), 10)

  const iterator = held.range()[Symbol.asyncIterator]()
  await iterator.next()
  assert.equal(snapshot.closed, false)
  snapshot.close()
  snapshot.close()
  assert.equal(snapshot.closed, true)
  await rejects(held.get(0), 'CLOSED')
  throws(() => snapshot.storeNames, 'CLOSED')
  await iterator.return()
})

test('a snapshot has the schema of its state', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.store('users').put({ id: 1, group: 2 })
  const snapshot = await db.snapshot()
  await db.renameObjectStore('users', 'people' as 'users')
  await db.deleteIndex('people' as 'users', 'byGroup')
  assert.deepEqual(await snapshot.store('users').index('byGroup').getAllKeys(2), [1])
  await db.deleteObjectStore('people' as 'users')
  assert.equal(await snapshot.store('users').count(), 1)
  snapshot.close()
})

test('nothing can be written to it', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const snapshot = await db.snapshot()
  const users = snapshot.store('users')
  await rejects(users.put({ id: 1 }), 'TX_READ_ONLY')
  await rejects(users.putMany([]), 'TX_READ_ONLY')
  await rejects(users.delete(1), 'TX_READ_ONLY')
  await rejects(users.clear(), 'TX_READ_ONLY')
  snapshot.close()
})

test('using closes it', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  let kept
  {
    using snapshot = await db.snapshot()
    kept = snapshot
    assert.equal(await snapshot.store('users').count(), 0)
  }
  assert.equal(kept.closed, true)
  assert.equal((await db.stats()).readers <= 1, true)
})

test('one that is not read for the time given expires', async (t) => {
  const db = await temporaryDatabase(t, { stores, snapshotTimeout: 50 })
  await db.store('users').put({ id: 1 })
  const snapshot = await db.snapshot()
  await new Promise((resolve) => setTimeout(resolve, 500))
  await db.store('users').put({ id: 2 })
  const error = await rejects(snapshot.store('users').get(1), 'SNAPSHOT_EXPIRED')
  assert.equal(error.retryable, true)
  snapshot.close()
})

test('a read of everything goes on in a newer state if its own expires', async (t) => {
  const db = await temporaryDatabase(t, { stores, snapshotTimeout: 50 })
  const numbers = Array.from({ length: 5_000 }, (_, id) => id)
  const docs = numbers.map((id) => ({ id, age: id % 9 }))
  await db.store('users').putMany(docs)
  const users = db.store('users')
  const reads = {
    getAll: () => users.getAll(),
    toArray: () => users.range().toArray(),
    query: () => users.find({ age: { $gte: 0 } }).toArray(),
    getMany: () => users.getMany(numbers),
  }
  for (const [name, read] of Object.entries(reads)) {
    const rows = read()
    // Nothing is read while this thread does something else; the snapshot is idle, and ends.
    await new Promise<void>((resolve) => setImmediate(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    assert.deepEqual(await rows, docs, name)
  }
  // Of an iteration rows were seen already.
  const iterator = users.range()[Symbol.asyncIterator]()
  await iterator.next()
  await new Promise((resolve) => setTimeout(resolve, 500))
  await rejects(
    (async () => {
      while (!(await iterator.next()).done);
    })(),
    'SNAPSHOT_EXPIRED',
  )
})
