import { phases } from './phases'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker, isMainThread } from 'node:worker_threads'
import { indexedDB } from 'lodestore/indexeddb'
import { completed, openDatabase, resultOf } from './requests'

const THREAD = join(__dirname, '..', 'support', 'thread.mjs')

const make = () => openDatabase('db', 1, (db) => db.createObjectStore('s'))

/** Resolves by an event alone: the test sees whether the process has waited for it. */
const phase: Record<string, () => Promise<void>> = {
  async open() {
    await make()
  },

  async listening() {
    const db = await make()
    for (const type of ['versionchange', 'close', 'error']) db.addEventListener(type, () => {})
  },

  upgrade: () =>
    new Promise((resolve) => {
      const request: any = indexedDB.open('db', 1)
      request.addEventListener('upgradeneeded', () => {
        const store = request.result.createObjectStore('s')
        for (let i = 0; i < 5000; i++) store.put(i, i)
        completed(request.transaction).then(resolve, assert.fail)
      })
    }),

  async request() {
    const db = await make()
    assert.equal(await resultOf(db.transaction('s').objectStore('s').get(1)), undefined)
  },

  async transaction() {
    const db = await make()
    await completed(db.transaction('s', 'readwrite'))
    await completed(db.transaction('s'))
  },

  async chain() {
    const db = await make()
    for (let i = 0; i < 100; i++) {
      const tx = db.transaction('s', 'readwrite', { durability: 'relaxed' })
      tx.objectStore('s').put(i, i)
      await completed(tx)
    }
    assert.equal(await resultOf(db.transaction('s').objectStore('s').count()), 100)
  },

  async waiting() {
    const db = await make()
    const request: any = indexedDB.open('db', 2)
    await once(request, 'blocked')
    db.close()
    assert.equal((await resultOf(request)).version, 2)
  },

  async closing() {
    const db = await make()
    const tx = db.transaction('s', 'readwrite')
    for (let i = 0; i < 1000; i++) tx.objectStore('s').put(i, i)
    const ended = completed(tx)
    db.close()
    assert.throws(() => db.transaction('s'), { name: 'InvalidStateError' })
    await ended
    await resultOf(indexedDB.deleteDatabase('db'))
    assert.deepEqual(await indexedDB.databases(), [])
  },

  async thread() {
    const worker = new Worker(THREAD, { workerData: { file: __filename } })
    assert.deepEqual(await once(worker, 'exit'), [0])
    const db = await openDatabase('db')
    assert.equal(await resultOf(db.transaction('s').objectStore('s').get(1)), 'of a thread')
  },
}

/** In the thread: leaves it with a connection that is open, and nothing to do. */
async function inThread(): Promise<void> {
  const db = await make()
  const tx = db.transaction('s', 'readwrite')
  tx.objectStore('s').put('of a thread', 1)
  await completed(tx)
}

if (isMainThread) phases(phase)
else void inThread()
