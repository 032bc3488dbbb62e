/** Writes that are the last of their transaction travel with its commit. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LodestoreError } from 'lodestore'
import { configure } from 'lodestore/indexeddb'
import { TransactionSession } from '../../lib/transaction-session.js'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase, resultOf } from './requests'

async function letters(t: TestContext) {
  configure({ path: join(await temporaryDirectory(t), 'db') })
  const db = await openDatabase('letters', 1, (upgraded) => {
    upgraded.createObjectStore('letters', { autoIncrement: true }).put('a', 1)
  })
  t.after(() => db.close())
  return db
}

function write(db: any, options?: object) {
  return db.transaction('letters', 'readwrite', options).objectStore('letters')
}

/** Runs when the current task has ended, before the event loop turns. */
const endOfTask = () =>
  new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)))

/** The events of a transaction and its requests, in order. */
function eventsOf(transaction: any): string[] {
  const events: string[] = []
  for (const type of ['error', 'abort', 'complete']) {
    transaction.addEventListener(type, () => events.push(type))
  }
  return events
}

test('writes and commit are one message, unless somebody listens', async (t) => {
  const db = await letters(t)
  const send = t.mock.method(TransactionSession.prototype, 'send')
  // The fewest of some tries: on a crowded machine, the loop may get its turn in between.
  const messages = async (run: (store: any) => void) => {
    let fewest = Infinity
    for (let i = 0; i < 5; i++) {
      send.mock.resetCalls()
      const store = write(db)
      run(store)
      await completed(store.transaction)
      fewest = Math.min(fewest, send.mock.callCount())
    }
    return fewest
  }
  assert.equal(await messages((store) => store.put('b', 2)), 1)
  const several = (store: any) => {
    store.put('b', 2)
    store.add('c')
    store.delete(1)
    store.clear()
    store.put('a', 1)
  }
  assert.equal(await messages(several), 1)
  const behindRead = (store: any) => {
    const request = store.get(1)
    request.onsuccess = () => store.put(request.result[0] + 'a', 1)
  }
  assert.equal(await messages(behindRead), 1)
  const heard = (store: any) => {
    store.put('c', 3).onsuccess = () => {}
  }
  assert.equal(await messages(heard), 2)
  const heardAbove = (store: any) => {
    store.transaction.addEventListener('success', () => {}, { capture: true })
    store.put('d', 4)
  }
  assert.equal(await messages(heardAbove), 2)
  assert.deepEqual(await resultOf(write(db).getAll()), ['aa', 'c', 'd'])
})

test('keys that the database makes are there in the end', async (t) => {
  const store = write(await letters(t))
  const requests = ['b', 'c'].map((letter) => store.add(letter))
  await completed(store.transaction)
  assert.deepEqual(
    requests.map(({ result, readyState }) => [result, readyState]),
    [
      [2, 'done'],
      [3, 'done'],
    ],
  )
})

test('nothing is committed with a write that fails', async (t) => {
  const db = await letters(t)
  const store = write(db)
  const events = eventsOf(store.transaction)
  const first = store.put('b', 2)
  const failing = store.add('taken', 1)
  const last = store.put('c', 3)
  await assert.rejects(completed(store.transaction), { name: 'ConstraintError' })
  assert.deepEqual(events, ['error', 'error', 'abort'], 'also of the one that was given up')
  assert.equal(first.result, 2)
  assert.equal(failing.error.name, 'ConstraintError')
  assert.equal(last.error.name, 'AbortError')
  assert.deepEqual(await resultOf(write(db).getAll()), ['a'])
})

test('a failure that is prevented lets the transaction go on', async (t) => {
  const db = await letters(t)
  const store = write(db)
  const events = eventsOf(store.transaction)
  store.put('b', 2)
  store.add('taken', 1)
  store.put('c', 3)
  store.transaction.addEventListener('error', (event: Event) => {
    event.preventDefault()
    store.put('d', 4)
  })
  // It waits for the end of that one.
  const next = write(db)
  next.put('e', 5)
  await Promise.all([completed(store.transaction), completed(next.transaction)])
  assert.deepEqual(events, ['error', 'complete'])
  assert.deepEqual(await resultOf(write(db).getAll()), ['a', 'b', 'c', 'd', 'e'])
})

test('who listens before the end hears of it, and can do nothing more', async (t) => {
  const db = await letters(t)
  const store = write(db, { durability: 'strict' })
  const events = eventsOf(store.transaction)
  // Its reading lets the transaction begin.
  await resultOf(store.get(1))
  const request = store.put('b', 2)
  const done = completed(store.transaction)
  await endOfTask()
  assert.equal(request.readyState, 'pending')
  assert.throws(() => store.transaction.abort(), { name: 'InvalidStateError' })
  assert.throws(() => store.put('c', 3), { name: 'TransactionInactiveError' })
  request.addEventListener('success', () => {
    events.push('success')
    assert.throws(() => store.put('c', 3), { name: 'TransactionInactiveError' })
  })
  await done
  assert.deepEqual(events, ['success', 'complete'])
  assert.deepEqual(await resultOf(write(db).getAll()), ['a', 'b'])
})

test('a commit that fails aborts, behind writes that have succeeded', async (t) => {
  const db = await letters(t)
  const commit = t.mock.method(
    TransactionSession.prototype,
    'commitIfDone',
    async function (this: any) {
      this.root.queue.flushLast()
      await this.abandon()
      throw new LodestoreError('DISK_FULL', 'The disk is full')
    },
  )
  const store = write(db)
  const events = eventsOf(store.transaction)
  const request = store.put('b', 2)
  await assert.rejects(completed(store.transaction), { name: 'QuotaExceededError' })
  assert.equal(commit.mock.callCount(), 1)
  assert.deepEqual(events, ['abort'])
  assert.equal(request.result, 2)
  commit.mock.restore()
  assert.deepEqual(await resultOf(write(db).getAll()), ['a'])
})
