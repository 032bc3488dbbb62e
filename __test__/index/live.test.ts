import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Progress } from '../../index.js'
import { untilCancelled } from '../support/check'
import { documents, rejects, temporaryDatabase, throws } from '../support/database'
import { assertCode } from '../support/errors'

test('an index is created on live data, with progress, while others write', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.putMany(documents(20_000))
  const seen: Progress[] = []
  const built = db.createIndex('users', 'byGroup', 'group', {
    onProgress: (progress) => seen.push(progress),
  })
  const written = []
  for (let id = 20_000; id < 20_200; id++) written.push(users.put({ id, group: id % 10 }))
  await users.delete(3)
  await Promise.all([built, ...written])
  const byGroup = users.index('byGroup')
  assert.equal(byGroup.state, 'ready')
  assert.equal(await byGroup.count(), 20_199)
  assert.equal(await byGroup.count(3), 2019)
  assert.ok(seen.length > 0)
  for (const { phase, done, total } of seen) {
    assert.equal(typeof phase, 'string')
    assert.ok(done >= 0 && total >= 0, `${done} of ${total}`)
  }
})

test('a conflict fails the creation of a unique index and removes it', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  await db.store('users').putMany(documents(3000))
  const options = { unique: true }
  const error = await rejects(
    db.createIndex('users', 'byGroup', 'group', options),
    'UNIQUE_VIOLATION',
  )
  assert.equal(error.store, 'users')
  assert.equal(error.index, 'byGroup')
  assert.deepEqual(db.store('users').indexNames, [])
  await db.createIndex('users', 'byGroup', 'group')
  assert.equal(await db.store('users').index('byGroup').count(1), 300)
})

test('the creation of an index can be cancelled', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  await db.store('users').putMany(documents(30_000))
  const before = AbortSignal.abort(new Error('never mind'))
  const error = await rejects(
    db.createIndex('users', 'byName', 'name', { signal: before }),
    'ABORTED',
  )
  assert.equal((error.cause as Error).message, 'never mind')

  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    return db.createIndex('users', 'byName', 'name', {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    })
  }
  const during = await untilCancelled(cancelled, () => db.deleteIndex('users', 'byName'))
  assertCode(during, 'ABORTED')
  assert.equal((during.cause as Error).message, 'enough')
  assert.deepEqual(db.store('users').indexNames, [])
})

test('what onProgress throws cancels and is thrown on', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  await db.store('users').putMany(documents(30_000))
  const built = db.createIndex('users', 'byName', 'name', {
    onProgress: () => {
      throw new TypeError('my mistake')
    },
  })
  await assert.rejects(built, { name: 'TypeError', message: 'my mistake' })
})

test('indexes are renamed and deleted', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { users: { keyPath: 'id', indexes: { byName: { on: 'name' }, other: { on: 'x' } } } },
  })
  const users = db.store('users')
  await users.putMany(documents(10))
  const byName = users.index('byName')
  await db.renameIndex('users', 'byName', 'named')
  assert.deepEqual(users.indexNames, ['named', 'other'])
  await rejects(byName.get('name 3'), 'INDEX_NOT_FOUND')
  assert.equal(await users.index('named').getKey('name 3'), 3)
  await rejects(db.renameIndex('users', 'named', 'other'), 'INDEX_EXISTS')
  await rejects(db.renameIndex('users', 'none', 'more'), 'INDEX_NOT_FOUND')
  await rejects(db.createIndex('users', 'named', 'x'), 'INDEX_EXISTS', {
    store: 'users',
    index: 'named',
  })
  await db.deleteIndex('users', 'named')
  throws(() => users.index('named'), 'INDEX_NOT_FOUND')
  await rejects(db.deleteIndex('users', 'named'), 'INDEX_NOT_FOUND')
  await rejects(db.deleteIndex('nothing', 'named'), 'STORE_NOT_FOUND')
})
