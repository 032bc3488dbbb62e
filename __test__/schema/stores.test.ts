import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDatabase, temporaryDirectory, throws } from '../support/database'

test('stores are created, renamed and deleted', async (t) => {
  const db = await temporaryDatabase(t)
  const notes = await db.createObjectStore('notes', {
    keyPath: 'id',
    autoIncrement: true,
    indexes: { byDay: { on: 'day' } },
  })
  assert.deepEqual([notes.name, notes.keyPath, notes.autoIncrement], ['notes', 'id', true])
  assert.deepEqual(notes.indexNames, ['byDay'])
  await notes.put({ day: 3 })
  await rejects(db.createObjectStore('notes'), 'STORE_EXISTS', { store: 'notes' })

  await db.renameObjectStore('notes', 'pages')
  assert.deepEqual(db.storeNames, ['pages'])
  await rejects(notes.get(1), 'STORE_NOT_FOUND', { store: 'notes' })
  assert.deepEqual(await db.store('pages').index('byDay').get(3), { id: 1, day: 3 })
  await db.createObjectStore('notes')
  assert.equal(await db.store('notes').count(), 0)
  await rejects(db.renameObjectStore('notes', 'pages'), 'STORE_EXISTS')
  await rejects(db.renameObjectStore('none', 'more'), 'STORE_NOT_FOUND')

  await db.deleteObjectStore('pages')
  assert.deepEqual(db.storeNames, ['notes'])
  await rejects(db.deleteObjectStore('pages'), 'STORE_NOT_FOUND')
  const again = await db.createObjectStore('pages', { keyPath: 'other' })
  assert.equal(await again.count(), 0)
  assert.deepEqual(again.indexNames, [])
})

test('names may be any string', async (t) => {
  const db = await temporaryDatabase(t)
  const names = ['', '__proto__', 'constructor', '\ud800', 'ä \u{1f600}', 'x'.repeat(1000)]
  for (const name of names) {
    const store = await db.createObjectStore(name, { indexes: { [name]: { on: 'x' } } })
    await store.put({ x: name }, 1)
    assert.deepEqual(await store.index(name).get(name), { x: name })
  }
  assert.deepEqual(db.storeNames, names.toSorted())
})

test('changes of the schema inside a transaction are a part of it', async (t) => {
  const db = await temporaryDatabase(t, { stores: { old: { keyPath: 'id' } } })
  await db.store('old').putMany([
    { id: 1, x: 2 },
    { id: 2, x: 1 },
  ])
  const failing = db.transaction(async (tx) => {
    await tx.createObjectStore('new', { autoIncrement: true })
    assert.equal(await tx.store('new').put('value'), 1)
    await tx.createIndex('old', 'byX', 'x')
    assert.deepEqual(await tx.store('old').index('byX').getAllKeys(), [2, 1])
    await tx.renameObjectStore('old', 'older')
    assert.deepEqual(await db.store('older' as 'old').getAllKeys(), [1, 2])
    throw new Error('undo')
  })
  await assert.rejects(failing, /undo/)
  assert.deepEqual(db.storeNames, ['old'])
  assert.deepEqual(db.store('old').indexNames, [])

  await db.transaction(async () => {
    await db.createIndex('old', 'byX', 'x', { unique: true })
    await rejects(db.createIndex('old', 'byX', 'x'), 'INDEX_EXISTS')
    await db.renameIndex('old', 'byX', 'unique')
    const more = await db.createObjectStore('more')
    await more.put(1, 1)
    await db.deleteObjectStore('more')
  })
  assert.deepEqual(db.storeNames, ['old'])
  await rejects(db.store('old').put({ id: 3, x: 1 }), 'UNIQUE_VIOLATION')
})

test('another handle sees changes of the schema', async (t) => {
  const path = await temporaryDirectory(t)
  const a = await open(path, { stores: { users: { keyPath: 'id' } } })
  const b = await open(path)
  t.after(() => Promise.all([a.close(), b.close()]))
  const users = b.store('users')
  await users.put({ id: 1, x: 1 })
  await a.deleteObjectStore('users')
  await rejects(users.get(1), 'STORE_NOT_FOUND')
  await a.createObjectStore('users' as never, { keyPath: 'key' })
  assert.equal(await users.get(1), undefined)
  assert.equal(users.keyPath, 'key')
  await users.put({ key: 5 })
  await a.createIndex('users', 'byX', 'x')
  assert.deepEqual(users.indexNames, ['byX'])
  throws(() => users.index('none'), 'INDEX_NOT_FOUND')
})

test('compressed stores hold the same documents', async (t) => {
  const path = await temporaryDirectory(t)
  const stores = { lz4: { compression: 'lz4' }, zstd: { compression: 'zstd' } } as const
  const db = await open(path, { stores })
  const text = 'compressible '.repeat(1000)
  await db.store('lz4').put({ text }, 1)
  await db.store('zstd').put({ text }, 1)
  await db.close()
  const again = await open(path, { stores })
  t.after(() => again.close())
  assert.deepEqual(again.store('lz4').getSync(1), { text })
  assert.deepEqual(await again.store('zstd').getAll(), [{ text }])
})
