import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import type { Database } from '../../index.js'
import { documents, temporaryDatabase, temporaryDirectory } from '../support/database'

const sizeOf = async (db: Database) => (await db.stats()).fileSize

/** Documents whose names are far longer than their values. */
function wordy(count: number): object[] {
  return Array.from({ length: count }, (_, id) => {
    const document: Record<string, unknown> = { id }
    for (let i = 0; i < 20; i++) document[`a rather long name of the field number ${i}`] = i
    return document
  })
}

test('documents written in bulk do not repeat their field names', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const names = 20 * 40
  await db.store('a').putMany(wordy(5000))
  assert.ok((await sizeOf(db)) < 5000 * names * 0.5)
  assert.deepEqual(await db.store('a').getAll({ gte: 4998 }), wordy(5000).slice(4998))
})

test('nor do documents written one by one, once their shape is known', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const all = wordy(5000)
  for (let i = 0; i < all.length; i += 100) {
    await Promise.all(all.slice(i, i + 100).map((document) => db.store('a').put(document)))
  }
  assert.ok((await sizeOf(db)) < 5000 * 20 * 40 * 0.5)
  assert.deepEqual(await db.store('a').getAll(), all)
})

test('bulk writes of a transaction make their shapes known to what comes after it', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const all = wordy(6000)
  await db.transaction((tx) => tx.store('a').putMany(all.slice(0, 1000)))
  await db.flush()
  const before = await sizeOf(db)
  await db.transaction((tx) => tx.store('a').putMany(all.slice(1000)))
  assert.ok((await sizeOf(db)) - before < 5000 * 20 * 40 * 0.5)
  assert.deepEqual(await db.store('a').getAll(), all)
})

test('another handle reads documents of shapes that it has not met', async (t) => {
  const path = await temporaryDirectory(t)
  const a = await open(path, { stores: { users: { keyPath: 'id' } } })
  const b = await open(path)
  t.after(() => Promise.all([a.close(), b.close()]))
  assert.equal(await b.store('users').get(1), undefined)
  await a.store('users').putMany(documents(1000))
  assert.deepEqual(b.store('users').getSync(7), documents(8)[7])
  await b.store('users').putMany(documents(2000))
  assert.deepEqual(await a.store('users').get(1999), documents(2000)[1999])
})

test('documents of many shapes survive side by side', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const all = Array.from({ length: 3000 }, (_, id) => ({
    id,
    [`field ${id % 700}`]: id,
    nested: { [`inner ${id % 50}`]: [id] },
  }))
  await db.store('a').putMany(all.slice(0, 1000))
  await Promise.all(all.slice(1000).map((document) => db.store('a').put(document)))
  assert.deepEqual(await db.store('a').getAll(), all)
})

/** Two handles of one database with the store `a`. */
async function twoHandles(t: TestContext): Promise<[Database, Database]> {
  const path = await temporaryDirectory(t)
  const one = await open(path, { stores: { a: { keyPath: 'id' } } })
  const other = await open(path)
  t.after(() => Promise.all([one.close(), other.close()]))
  return [one, other]
}

test('who still reads a store that was deleted knows its shapes', async (t) => {
  const [one, other] = await twoHandles(t)
  const all = wordy(500)
  await one.store('a').putMany(all)
  const snapshot = await other.snapshot()
  await one.deleteObjectStore('a')
  assert.deepEqual(await snapshot.store('a').get(7), all[7])
  assert.deepEqual(await snapshot.store('a').getAll(), all)
  await snapshot.close()
})

test('rows that are not decoded yet outlive their store', async (t) => {
  const [one, other] = await twoHandles(t)
  const all: object[] = wordy(100)
  await one.store('a').putMany(all)
  assert.deepEqual(await other.store('a').get(0), all[0])
  // A shape that the other handle has not met, of documents that it decodes when all is gone.
  const more = wordy(200).slice(100)
  for (const document of more) Object.assign(document, { more: true })
  await one.store('a').putMany(more)
  const rows = other.store('a').range()[Symbol.asyncIterator]()
  const read = [(await rows.next()).value]
  await one.deleteObjectStore('a')
  for (let row = await rows.next(); !row.done; row = await rows.next()) read.push(row.value)
  assert.deepEqual(read, [...all, ...more])
})

test('a transaction knows the shapes that its turn of the event loop does not see', async (t) => {
  const path = await temporaryDirectory(t)
  const stores = { a: { keyPath: 'id' } }
  const db = await open(path, { durability: 'none', stores })
  await db.store('a').put({ id: 0 })
  const rounds = 30
  // The round that was begun, and the one that the other thread has done.
  const signals = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(join(__dirname, 'shape-writer.mjs'), {
    workerData: { path, rounds, signals },
  })
  // It waits for the next round if one fails.
  t.after(() => worker.terminate())
  const ended = once(worker, 'exit')
  await once(worker, 'message')
  for (let round = 1; round <= rounds; round++) {
    await setImmediate()
    assert.deepEqual(db.store('a').getSync(0), { id: 0 })
    Atomics.store(signals, 0, round)
    Atomics.notify(signals, 0)
    // Until here this is one turn, which holds a state without the shape.
    assert.notEqual(Atomics.wait(signals, 1, round - 1, 20_000), 'timed-out')
    const found = await db.transaction((tx) => tx.store('a').get(round))
    assert.deepEqual(found, { id: round, [`field ${round}`]: 99 })
  }
  await ended
  await db.close()
})
