import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import type { Progress } from '../../index.js'
import { documents, rejects, temporaryDatabase, temporaryDirectory } from '../support/database'
import { isSealed } from '../support/sealed'

const stores = { users: { keyPath: 'id' } } as const

test('stats has figures about the database', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const before = await db.stats()
  await db.store('users').putMany(documents(1000))
  const after = await db.stats()
  assert.match(after.uuid, /^[0-9a-f-]{36}$/)
  assert.equal(after.uuid, before.uuid)
  assert.ok(after.fileSize > 0 && after.mapSize >= after.fileSize)
  assert.ok(after.lastTransactionId > before.lastTransactionId)
  // LMDB's entries, which in an encrypted database are blocks.
  assert.ok(after.entries.docs >= (isSealed ? 10 : 1000))
  assert.ok(Math.abs(Date.now() - after.created) < 60_000)
})

test('flush waits for what was written', async (t) => {
  const db = await temporaryDatabase(t, { stores, durability: 'none' })
  let written = false
  void db
    .store('users')
    .put({ id: 1 })
    .then(() => {
      written = true
    })
  await db.flush()
  assert.equal(written, true)
})

test('what takes long does not wait for what else does', async (t) => {
  const directory = await temporaryDirectory(t)
  const db: any = await open(join(directory, 'data'), { stores })
  t.after(() => db.close())
  await db.store('users').putMany(documents(20_000))
  const report = db.verify()
  await Promise.all([
    db.createIndex('users', 'later', 'name'),
    db.compact(),
    db.backup(join(directory, 'copy')),
    db.compact(),
    db.store('users').put({ id: -1, name: 'meanwhile' }),
    db.flush(),
  ])
  assert.equal((await report).ok, true)
  assert.equal(await db.store('users').index('later').count('meanwhile'), 1)
  assert.equal((await db.verify()).ok, true)
})

test('backup copies the database while it is in use', async (t) => {
  const directory = await temporaryDirectory(t)
  const db = await open(join(directory, 'data'), { stores })
  t.after(() => db.close())
  await db.store('users').putMany(documents(5000))
  const pending = db.store('users').put({ id: -1, name: 'accepted before' })
  const seen: Progress[] = []
  const copying = db.backup(join(directory, 'copy'), { onProgress: (each) => seen.push(each) })
  await Promise.all([pending, copying, db.store('users').put({ id: 5000 })])
  assert.ok(seen.length > 0)
  for (const { phase, done, total } of seen) assert.ok(phase !== '' && done <= total)

  const copy = await open(join(directory, 'copy'), { mode: 'open' })
  t.after(() => copy.close())
  assert.ok((await copy.store('users').count()) >= 5001)
  assert.deepEqual(await copy.store('users').get(4999), documents(5000)[4999])
  await rejects(db.backup(join(directory, 'copy')), 'DATABASE_EXISTS')
  await rejects(db.backup(join(directory, 'x'), { signal: AbortSignal.abort() }), 'ABORTED')
})

test('spaces are copied along, unless they are not wanted', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'data')
  const root = await open(path, { stores })
  const space = await open(path, { space: 'one', stores })
  t.after(() => Promise.all([root.close(), space.close()]))
  await space.store('users').put({ id: 'in space' })
  await root.backup(join(directory, 'with'))
  await root.backup(join(directory, 'without'), { spaces: false })
  const copied = await open(join(directory, 'with'), { space: 'one', mode: 'open' })
  t.after(() => copied.close())
  assert.deepEqual(await copied.store('users').getAllKeys(), ['in space'])
  await rejects(
    open(join(directory, 'without'), { space: 'one', mode: 'open' }),
    'DATABASE_NOT_FOUND',
  )
})

test('compact gives free space back and keeps the data', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await users.putMany(documents(20_000))
  await users.delete({ gte: 100 })
  const before = (await db.stats()).fileSize
  const seen: Progress[] = []
  await db.compact({ onProgress: (each) => seen.push(each) })
  assert.ok((await db.stats()).fileSize < before / 2)
  assert.deepEqual(await users.getAll(), documents(100))
  await users.put({ id: 'after' })
  assert.equal(await users.count(), 101)
})

test('compact needs the database for itself', async (t) => {
  const path = await temporaryDirectory(t)
  const a = await open(path, { stores, busyTimeout: 100 })
  const b = await open(path)
  t.after(() => Promise.all([a.close(), b.close()]))
  await b.store('users').put({ id: 1 })
  const error = await a.compact().catch((reason: unknown) => reason)
  if (error !== undefined) assert.equal((error as { code: string }).code, 'BUSY')
  assert.equal(await b.store('users').count(), 1)
})
