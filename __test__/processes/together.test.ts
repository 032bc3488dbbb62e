import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { open } from '../../index.js'
import { soon } from '../support/check'
import { assertCode, fails } from '../support/errors'
import { both } from './peer'

test('two processes read what the other one has written', async (t) => {
  const { db, other } = await both(t)
  for (let i = 0; i < 100; i++) {
    // Documents of ever new shapes, so that one meets shapes that the other one has registered.
    await other.do('put', { id: i, from: 'other', [`field ${i % 7}`]: i })
    assert.equal((await db.store('s').get(i)).from, 'other')
    await db.store('s').put({ id: 1000 + i, from: 'main', [`own ${i % 5}`]: i, again: true })
    assert.equal((await other.do('get', 1000 + i)).from, 'main')
  }
  assert.equal(await other.do('count'), 200)
  assert.equal(await db.store('s').index('byFrom').count('other'), 100)
  await other.end()
  await db.close()
})

test('both write at the same time', async (t) => {
  const { db, other } = await both(t, { durability: 'relaxed' })
  await db.store('counters').put(0, 'n')
  const increment = (tx: any): Promise<unknown> =>
    tx
      .store('counters')
      .get('n')
      .then((n: number) => tx.store('counters').put(n + 1, 'n'))
  const mine = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      await db.transaction(increment)
      await db.store('s').put({ id: 5000 + i, from: 'main' })
    }
  }
  await Promise.all([mine(), other.do('write', 100)])
  assert.equal(await db.store('counters').get('n'), 200)
  assert.equal(await db.store('s').count(), 200)
  assert.equal(await db.store('s').index('byFrom').count(), 200)
  await other.end()
  await db.close()
})

test('a snapshot keeps its state while the other process writes', async (t) => {
  const { db, other } = await both(t)
  await db.store('s').put({ id: 1, from: 'before' })
  const snapshot = await db.snapshot()
  const cursor = db.store('s').openCursor()
  await cursor.next()
  await other.do('write', 20)
  assert.deepEqual(await snapshot.store('s').getAll(), [{ id: 1, from: 'before' }])
  assert.equal(await cursor.next(), false)
  assert.equal(await db.store('s').count(), 21)
  snapshot.close()
  await other.end()
  await db.close()
})

test('a change of the schema in one process is seen in the other one', async (t) => {
  const { db, other } = await both(t)
  await other.do('createStore', 'made')
  await db.store('made').put({ id: 1, a: 'x' })
  await other.do('createIndex', 'made', 'byA', 'a')
  assert.deepEqual(await db.store('made').index('byA').getAll('x'), [{ id: 1, a: 'x' }])
  await db.createIndex('made', 'byB', 'b', { unique: true })
  await fails(() => other.do('putTwice', 'made'), 'UNIQUE_VIOLATION').catch(({ message }) => {
    assert.match(message, /UNIQUE_VIOLATION/)
  })
  await db.renameObjectStore('made', 'renamed')
  assert.ok((await other.do('storeNames')).includes('renamed'))
  await other.do('clear', 'renamed')
  assert.equal(await db.store('renamed').count(), 0)
  await other.do('deleteStore', 'renamed')
  await fails(async () => db.store('renamed'), 'STORE_NOT_FOUND')
  // The name may come back for another store.
  await other.do('createStore', 'renamed', { autoIncrement: true })
  assert.equal(await db.store('renamed').add({ a: 1 }), 1)
  await other.end()
  await db.close()
})

test('a process that is killed in a transaction does not stop the other one', async (t) => {
  const { db, other } = await both(t)
  await other.do('hold')
  const waiting = db.store('s').put({ id: 1, from: 'main' })
  await other.kill()
  assert.equal(await waiting, 1)
  assert.deepEqual(await db.store('s').getAll(), [{ id: 1, from: 'main' }])
  await db.close()
})

test('the snapshots of a killed process are let go', async (t) => {
  const { db, other } = await both(t)
  await other.do('snapshot')
  assert.ok((await db.stats()).readers >= 1)
  await other.kill()
  await db.close()
  const again = await open(db.path)
  // What opening has read is held until the end of the turn.
  await setImmediate()
  assert.equal((await again.stats()).readers, 0)
  await again.close()
})

test('a write that waits for another process too long is BUSY, and not made', async (t) => {
  const { db, other } = await both(t, { busyTimeout: 300 })
  await other.do('hold')
  const error = await fails(() => db.store('s').put({ id: 1, from: 'late' }), 'BUSY')
  assert.equal(error.retryable, true)
  await fails(() => db.transaction((tx: any) => tx.store('s').put({ id: 2 })), 'BUSY')
  assert.equal(await db.store('s').count(), 0, 'reads go on')
  await other.do('release')
  assert.equal(await db.store('s').put({ id: 3, from: 'main' }), 3)
  assert.deepEqual(await db.store('s').getAllKeys(), [3])
  await other.end()
  await db.close()
})

test(
  'close returns while a stopped process holds the lock',
  { skip: process.platform === 'win32' && 'there is no SIGSTOP on Windows' },
  async (t) => {
    const { db, other } = await both(t, { busyTimeout: 300 })
    await other.do('hold')
    other.signal('SIGSTOP')
    const put = fails(() => db.store('s').put({ id: 1 }), 'BUSY', 'CLOSED')
    const closed = db.close().catch((error: unknown) => assertCode(error, 'BUSY'))
    await soon('close', Promise.all([closed, put]))
    other.signal('SIGCONT')
    await other.end()
    const again = await open(db.path)
    assert.equal(await again.store('s').count(), 0)
    await again.close()
  },
)

test('what replaces files is refused while another process has them open', async (t) => {
  const { db, other } = await both(t)
  await db.store('s').put({ id: 1 })
  await fails(() => db.compact(), 'BUSY')
  await other.end()
  await db.compact()
  assert.equal(await db.store('s').count(), 1)
  await db.close()
})

test('processes may open and close the same database at any time', async (t) => {
  const { db, other } = await both(t, { durability: 'none' })
  await db.close()
  const mine = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      const again = await open(db.path, { durability: 'none' })
      await again.store('s').put({ id: i, from: 'main' })
      await again.close()
    }
  }
  await Promise.all([mine(), other.do('reopen', 60)])
  const last = await open(db.path)
  assert.equal(await last.store('s').count(), 120)
  await last.close()
  await other.end()
})
