import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, temporaryDatabase } from '../support/database'
import { collectGarbage } from '../support/runtime'

test('snapshots of forgotten scans, cursors, snapshots and transactions are let go', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.putMany(documents(3000))
  const readers = async () => (await db.stats()).readers
  // One of them may be the state that reads of one turn share.
  const before = (await readers()) + 1
  await (async () => {
    await users.range()[Symbol.asyncIterator]().next()
    await users.openCursor().next()
    await (await db.snapshot()).store('users').get(1)
    await db.begin({ mode: 'readonly' })
  })()
  assert.ok((await readers()) >= before + 3)
  for (let i = 0; i < 50 && (await readers()) > before; i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.ok((await readers()) <= before)
})
