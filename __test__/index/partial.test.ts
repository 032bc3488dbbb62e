import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDatabase } from '../support/database'
import { temporaryDirectory } from '../support/database'

interface User {
  id: number
  email?: string
  active?: boolean
  login?: number
}

const users: User[] = [
  { id: 1, email: 'a', active: true, login: 5 },
  { id: 2, email: 'b', active: false, login: 3 },
  { id: 3, email: 'a', active: false, login: 4 },
  { id: 4, active: true, login: 1 },
]

const where = { active: true }

const indexes = {
  byLogin: { on: 'login', where },
  byEmail: { on: 'email', unique: true, where },
} as const

test('a partial index has the documents that pass its filter', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id', indexes } } })
  const store = db.store<User, number>('users')
  await store.putMany(users)
  const byLogin = store.index('byLogin')
  assert.deepEqual(byLogin.where, where)
  assert.deepEqual(await byLogin.getAllKeys(), [4, 1])
  assert.equal(await byLogin.count(), 2)

  await store.put({ id: 2, email: 'b', active: true, login: 3 })
  assert.deepEqual(await byLogin.getAllKeys(), [4, 2, 1])
  await store.put({ id: 1, email: 'a', login: 5 })
  assert.deepEqual(await byLogin.getAllKeys(), [4, 2])
  await store.delete(4)
  assert.deepEqual(await byLogin.getAllKeys(), [2])
})

test('a unique partial index holds among the documents that pass', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id', indexes } } })
  const store = db.store<User, number>('users')
  await store.putMany(users)
  await rejects(store.put({ id: 3, email: 'a', active: true }), 'UNIQUE_VIOLATION')
  await store.put({ id: 3, email: 'b', active: true })
})

test('a partial index is built from what is there, and stays', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = (await open(path, { stores: { users: { keyPath: 'id' } } })) as any
  await db.store('users').putMany(users)
  await db.createIndex('users', 'recent', 'login', { where: { login: { $gte: 4 } } })
  assert.deepEqual(await db.store('users').index('recent').getAllKeys(), [3, 1])
  await db.close()
  const recent = { on: 'login', where: { login: { $gte: 4 } } }
  const again = (await open(path, {
    stores: { users: { keyPath: 'id', indexes: { recent } } },
  })) as any
  assert.deepEqual(again.store('users').index('recent').where, recent.where)
  await again.close()
  const other = { on: 'login', where: { login: { $gte: 5 } } }
  await rejects(
    open(path, { stores: { users: { keyPath: 'id', indexes: { recent: other } } } }),
    'INVALID_ARGUMENT',
    { path: 'options.stores.users.indexes.recent.where' },
  )
})

test('the filter of an index is checked', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const create = (filter: unknown) =>
    db.createIndex('users', 'x', 'login', { where: filter } as any)
  await rejects(create({ $foo: 1 }), 'INVALID_QUERY', { path: '$foo' })
  await rejects(create({ $expr: { $gt: ['$a', 1] } }), 'INVALID_QUERY')
  await rejects(create('active'), 'INVALID_ARGUMENT', { path: 'options.where' })
})

const FIXTURE = join(__dirname, '..', '..', 'tests', 'fixtures', 'partial-index')

test('the fixture of partial indexes opens and is kept up', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(FIXTURE, path, { recursive: true })
  const db = (await open(path, { mode: 'open' })) as any
  const byLogin = db.store('users').index('byLogin')
  assert.deepEqual(byLogin.where, where)
  assert.deepEqual(await byLogin.getAllKeys(), [4, 1])
  await db.store('users').put({ id: 9, active: true, login: 2 })
  await db.store('users').put({ id: 10, active: false, login: 2 })
  assert.deepEqual(await byLogin.getAllKeys(), [4, 9, 1])
  await db.close()
})
