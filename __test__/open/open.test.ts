import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDirectory } from '../support/database'

const stores = {
  users: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } },
  logs: { autoIncrement: true },
}

test('open creates a database, and finds what was written in it later', async (t) => {
  const path = join(await temporaryDirectory(t), 'new', 'data')
  const db = await open(path, { stores })
  assert.ok(isAbsolute(db.path))
  assert.equal(db.closed, false)
  assert.deepEqual(db.storeNames, ['logs', 'users'])
  await db.store('users').put({ id: 'a', name: 'Ann' })
  await db.close()
  assert.ok((await readdir(path)).includes('data.mdb'))

  const again = await open(path)
  t.after(() => again.close())
  assert.deepEqual(again.storeNames, ['logs', 'users'])
  assert.deepEqual(await again.store('users').get('a'), { id: 'a', name: 'Ann' })
})

test('opening what is there with the same definitions writes nothing', async (t) => {
  const path = await temporaryDirectory(t)
  const first = await open(path, { stores })
  await first.store('users').put({ id: 'a', name: 'Ann' })
  await first.close()
  const before = await readFile(join(path, 'data.mdb'))
  const db = await open(path, { stores })
  assert.deepEqual(await db.store('users').get('a'), { id: 'a', name: 'Ann' })
  await db.close()
  assert.ok(before.equals(await readFile(join(path, 'data.mdb'))))
})

test('the mode says what must be there', async (t) => {
  const path = join(await temporaryDirectory(t), 'data')
  await rejects(open(path, { mode: 'open' }), 'DATABASE_NOT_FOUND')
  await rejects(open(path, { mode: 'readOnly' }), 'DATABASE_NOT_FOUND')
  const created = await open(path, { mode: 'create', stores })
  await created.store('users').put({ id: 'a', name: 'Ann' })
  await created.close()
  await rejects(open(path, { mode: 'create' }), 'DATABASE_EXISTS')
  const opened = await open(path, { mode: 'open' })
  await opened.close()

  const readOnly = await open(path, { mode: 'readOnly' })
  t.after(() => readOnly.close())
  assert.deepEqual(await readOnly.store('users').get('a'), { id: 'a', name: 'Ann' })
  await rejects(readOnly.store('users').put({ id: 'b', name: 'Bob' }), 'TX_READ_ONLY')
  await rejects(
    readOnly.transaction(() => {}),
    'TX_READ_ONLY',
  )
})

test('stores and indexes that are missing are created, and others are kept', async (t) => {
  const path = await temporaryDirectory(t)
  const first = await open(path, { stores: { users: { keyPath: 'id' } } })
  await first.store('users').putMany([
    { id: 1, name: 'b' },
    { id: 2, name: 'a' },
  ])
  await first.createObjectStore('more')
  await first.close()

  const db = await open(path, {
    stores: { users: { keyPath: 'id', indexes: { byName: { on: 'name' } } }, logs: {} },
  })
  t.after(() => db.close())
  assert.deepEqual(db.storeNames, ['logs', 'more', 'users'])
  const ids = await db.store<{ id: number }>('users').index('byName').getAllKeys()
  assert.deepEqual(ids, [2, 1])
})

test('a definition that differs is refused, and nothing is changed', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores })
  t.after(() => db.close())

  const differing = [
    [{ users: { keyPath: 'key' } }, 'options.stores.users.keyPath', /keyPath "id".*"key"/],
    [{ users: {} }, 'options.stores.users.keyPath', /keyPath "id".*null/],
    [{ logs: {} }, 'options.stores.logs.autoIncrement', /autoIncrement true.*false/],
    [{ logs: { key: 'uuidv7' } }, 'options.stores.logs.autoIncrement', /'logs'/],
    [
      { users: { keyPath: 'id', indexes: { byName: { on: 'name' } } } },
      'options.stores.users.indexes.byName.unique',
      /'byName' of the store 'users' has unique true.*false/,
    ],
    [
      { users: { keyPath: 'id', indexes: { byName: { on: ['name'], unique: true } } } },
      'options.stores.users.indexes.byName.on',
      /on "name".*\["name"\]/,
    ],
  ] as const
  for (const [definition, argument, message] of differing) {
    const error = await rejects(open(path, { stores: definition }), 'INVALID_ARGUMENT', {
      path: argument,
    })
    assert.match(error.message, message)
  }
  assert.deepEqual(db.storeNames, ['logs', 'users'])
  assert.equal(db.store('users').index('byName').unique, true)
})

test('read-only databases lack what is missing', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores: { users: {} } })
  await db.close()
  const mode = 'readOnly'
  await rejects(open(path, { mode, stores: { logs: {} } }), 'STORE_NOT_FOUND', { store: 'logs' })
  const indexes = { byName: { on: 'name' } }
  const error = await rejects(
    open(path, { mode, stores: { users: { indexes } } }),
    'INDEX_NOT_FOUND',
  )
  assert.equal(error.index, 'byName')
})

test("':memory:' is a database of its own that vanishes", async () => {
  const one = await open(':memory:', { stores: { users: { keyPath: 'id' } } })
  const other = await open(':memory:')
  assert.equal(one.path, ':memory:')
  await one.store('users').put({ id: 1 })
  assert.deepEqual(other.storeNames, [])
  assert.deepEqual(await one.store('users').get(1), { id: 1 })
  await one.close()
  await other.close()
})

test('two handles of one process share the data and the schema', async (t) => {
  const path = await temporaryDirectory(t)
  const a = await open(path)
  const b = await open(path)
  t.after(() => Promise.all([a.close(), b.close()]))
  await a.createObjectStore('users', { keyPath: 'id' })
  await b.store('users').put({ id: 1, from: 'b' })
  assert.deepEqual(a.store('users').getSync(1), { id: 1, from: 'b' })
  await b.renameObjectStore('users', 'people')
  assert.deepEqual(a.storeNames, ['people'])
  await rejects(a.store('people').put({}), 'INVALID_KEY')
})
