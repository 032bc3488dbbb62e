import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LodestoreError } from '../../index.js'
import { documents, rejects, temporaryDatabase, throws } from '../support/database'
import { runtime } from '../support/runtime'

const stores = {
  users: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } },
} as const

test('an error has a code, names what it concerns, and is of one class', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.store('users').put({ id: 'a', name: 'secret content' })
  const error = await rejects(
    db.store('users').put({ id: 'b', name: 'secret content' }),
    'UNIQUE_VIOLATION',
  )
  assert.ok(error instanceof LodestoreError && error instanceof Error)
  assert.equal(error.name, 'LodestoreError')
  assert.deepEqual([error.store, error.index, error.retryable], ['users', 'byName', false])
  assert.ok(error.key === 'a' || error.key === 'b')
  assert.match(error.message, /byName/)
  assert.doesNotMatch(error.message, /secret/)
})

async function callingFunction(run: () => Promise<unknown>): Promise<void> {
  await run()
}

test('the stack of an error names the asynchronous callers', async (t) => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 30
  t.after(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await users.put({ id: 1, name: 'a' })
  const through = () =>
    users
      .index('byName')
      .get({} as never)
      .then(() => users.index('byName').get(NaN))
  const calls = [
    () => users.add({ id: 1, name: 'b' }),
    () => users.put({ id: 2, name: 'a' }),
    () => users.put({ id: 2, name: () => {} }),
    () => users.putMany([{ id: 2, name: 'a' }]),
    () => users.get(NaN),
    // JavaScriptCore, which Bun uses, follows `await` only.
    ...(runtime === 'bun' ? [] : [through]),
    () => users.getAll({ gte: NaN }),
    () => db.createObjectStore('users'),
    () => db.createIndex('users', 'byName', 'name'),
    () => db.transaction((tx) => tx.store('users').add({ id: 1, name: 'c' })),
  ]
  for (const call of calls) {
    const error = await callingFunction(call).catch((reason: unknown) => reason)
    assert.ok(error instanceof LodestoreError, String(call))
    assert.match(error.stack!, /callingFunction/, `${call}\n${error.stack}`)
  }
})

test('errors of one batch are errors of their own', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await users.putMany(documents(2))
  const [a, b] = await Promise.all([
    rejects(users.add({ id: 0, name: 'x' }), 'KEY_EXISTS', { key: 0 }),
    rejects(users.add({ id: 1, name: 'x' }), 'KEY_EXISTS', { key: 1 }),
  ])
  assert.notEqual(a, b)
})

test('keys in errors are values', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const key = ['a', new Date(5)]
  await db.store('users').put({ id: key, name: 'a' })
  await rejects(db.store('users').add({ id: key, name: 'b' }), 'KEY_EXISTS', { key })
})

test('what cannot be stored is named by its path', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const document = { id: 1, list: [1, { deep: Symbol('x') }] }
  const error = await rejects(db.store('users').put(document), 'DATA_CLONE', { store: 'users' })
  assert.equal(error.path, 'list[1].deep')
})

test('stores and indexes that are not there say so at once', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const error = throws(() => db.store('user' as 'users'), 'STORE_NOT_FOUND', { store: 'user' })
  assert.match(error.message, /createObjectStore/)
  await db.createObjectStore('gone')
  const gone = db.store('gone' as 'users')
  await db.deleteObjectStore('gone' as 'users')
  await rejects(gone.get(1), 'STORE_NOT_FOUND', { store: 'gone' })
  await rejects(gone.put({ id: 1 }), 'STORE_NOT_FOUND')
  throws(() => db.store('gone' as 'users'), 'STORE_NOT_FOUND')
})
