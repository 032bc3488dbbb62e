import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, rejects, temporaryDatabase } from '../support/database'

const stores = { users: { keyPath: 'id' } } as const

test('awaiting one unsynced write after the other leaves turns to the event loop', async (t) => {
  const db = await temporaryDatabase(t, { durability: 'none', stores })
  const users = db.store('users')
  let turns = 0
  const count = (): void => {
    turns++
    immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  const begun = performance.now()
  let puts = 0
  while (performance.now() - begun < 400) await users.put({ id: puts++ })
  clearImmediate(immediate)
  assert.ok(turns >= 10, `${turns} turns in 400 ms`)
  assert.equal(await users.count(), puts)
})

test('results and errors of unsynced writes reach their callers', async (t) => {
  const db = await temporaryDatabase(t, { durability: 'none', stores })
  const users = db.store('users')
  for (const document of documents(300)) {
    assert.equal(await users.add(document), document.id)
    await rejects(users.add(document), 'KEY_EXISTS')
    assert.deepEqual(await users.get(document.id), document)
  }
  const keys = await Promise.all(documents(2000).map((document) => users.put(document)))
  assert.deepEqual(
    keys,
    documents(2000).map(({ id }) => id),
  )
})

test('unsynced writes go on beside work of other kinds', async (t) => {
  const db = await temporaryDatabase(t, { durability: 'none', stores })
  const users = db.store('users')
  await users.putMany(documents(20_000))
  const phases: string[] = []
  const copy = `${db.path}-copy`
  t.after(() => import('node:fs/promises').then(({ rm }) => rm(copy, { recursive: true })))
  const progress = { done: false }
  const backup = db.backup(copy, { onProgress: ({ phase }) => void phases.push(phase) })
  const index = db.createIndex('users', 'byName', 'name')
  const others = Promise.all([backup, index]).finally(() => {
    progress.done = true
  })
  let puts = 0
  while (!progress.done) await users.put({ id: 100_000 + puts++ })
  await others
  assert.ok(phases.length > 0 && puts > 0)
  assert.equal(await users.count(), 20_000 + puts)
  assert.equal(await users.index('byName').count(), 20_000 + puts)
})
