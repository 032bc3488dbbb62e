import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { documents, temporaryDatabase } from '../support/database'

interface Message {
  path: string
  operations: number
  bytes: number
  milliseconds: number
  operation: string
  store: string
  index: string
  phase: string
  done: number
}

function messagesOf(t: TestContext, channel: string): Message[] {
  const messages: Message[] = []
  const listener = (message: unknown) => messages.push(message as Message)
  subscribe(channel, listener)
  t.after(() => unsubscribe(channel, listener))
  return messages
}

test('writes of one turn travel together, over all stores', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {}, b: {} } })
  const commits = messagesOf(t, 'lodestore:commit')
  const writes = []
  for (let i = 0; i < 50; i++) writes.push(db.store('a').put(i, i), db.store('b').put(i, i))
  await Promise.all([...writes, db.store('a').delete(3)])
  assert.equal(commits.length, 1)
  const [commit] = commits
  assert.equal(commit!.path, db.path)
  assert.equal(commit!.operations, 101)
  assert.ok(commit!.bytes > 1000 && commit!.milliseconds >= 0)
  await db.store('a').put(1, 1)
  assert.equal(commits.length, 2)
})

test('a batch that is large does not wait for the end of the turn', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  const commits = messagesOf(t, 'lodestore:commit')
  const large = new Uint8Array(300_000)
  await Promise.all(Array.from({ length: 10 }, (_, i) => db.store('a').put(large, i)))
  assert.ok(commits.length > 1)
  assert.equal(
    commits.reduce((sum, { operations }) => sum + operations, 0),
    10,
  )
})

test('index builds are published', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  await db.store('users').putMany(documents(5000))
  const builds = messagesOf(t, 'lodestore:index-build')
  await db.createIndex('users', 'byName', 'name')
  assert.ok(builds.length > 0)
  for (const { path, store, index } of builds) {
    assert.deepEqual([path, store, index], [db.path, 'users', 'byName'])
  }
})

test('operations that take long are published', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const slow = messagesOf(t, 'lodestore:slow-operation')
  const tx = await db.begin()
  const waiting = db.store('users').put({ id: 1 })
  await new Promise((resolve) => setTimeout(resolve, 150))
  await tx.commit()
  await waiting
  assert.deepEqual(slow.map(({ operation }) => operation).toSorted(), ['transaction', 'write'])
  for (const { milliseconds } of slow) assert.ok(milliseconds >= 100)
})
