import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { LodestoreError } from '../../index.js'
import { TransactionSession } from '../../lib/transaction-session'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase, resultOf } from './requests'

async function makeDatabase(t: TestContext): Promise<any> {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const db = await openDatabase('db', 1, (made) => {
    made.createObjectStore('s').put('there', 'key')
  })
  t.after(() => db.close())
  return db
}

test('a connection closed in an upgrade leaves what the upgrade has made', async (t) => {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const opening = openDatabase('db', 3, (made) => {
    made.createObjectStore('s')
    made.close()
  })
  await assert.rejects(opening, { name: 'AbortError' })
  const db = await openDatabase('db')
  assert.equal(db.version, 3)
  assert.deepEqual([...db.objectStoreNames], ['s'])
  db.close()
})

test('an exception behind the commit of an upgrade does not undo it', async (t) => {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const thrown = new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve)
  })
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  const request = indexedDB.open('db', 1)
  request.onupgradeneeded = () => {
    ;(request.result as any).createObjectStore('s')
    ;(request.transaction as any).commit()
    throw new Error('too late')
  }
  const db = await resultOf(request)
  assert.equal(((await thrown) as Error).message, 'too late')
  assert.deepEqual([...db.objectStoreNames], ['s'])
  db.close()
})

test('requests of an aborted transaction are pending until they are told', async (t) => {
  const db = await makeDatabase(t)
  const tx = db.transaction('s')
  const request = tx.objectStore('s').get('key')
  const told = new Promise((resolve) => {
    request.addEventListener('error', () => {
      resolve([request.readyState, request.result, request.error.name])
    })
  })
  tx.abort()
  assert.equal(request.readyState, 'pending')
  assert.throws(() => request.error, { name: 'InvalidStateError' })
  assert.deepEqual(await told, ['done', undefined, 'AbortError'])
})

test('a request that fails while its transaction commits aborts it', async (t) => {
  const db = await makeDatabase(t)
  const tx = db.transaction('s', 'readwrite')
  const request = tx.objectStore('s').add('again', 'key')
  const errors: unknown[] = []
  request.addEventListener('error', (event: Event) => {
    event.preventDefault()
    errors.push(request.error.name)
  })
  tx.commit()
  await assert.rejects(completed(tx), { name: 'ConstraintError' })
  assert.deepEqual(errors, ['AbortError'])
})

test('an object that is no function is a handler that does nothing', async (t) => {
  const db = await makeDatabase(t)
  const tx = db.transaction('s')
  const handler = { handleEvent: () => assert.fail('It was called') }
  const request = tx.objectStore('s').get('key')
  request.onsuccess = handler
  await completed(tx)
  assert.equal(request.onsuccess, handler)
})

test('an upgrade that cannot begin is not told of', async (t) => {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const failing = t.mock.method(TransactionSession, 'begin', () =>
    Promise.reject(new LodestoreError('DISK_FULL', 'The disk is full')),
  )
  const upgrade = () => assert.fail('It was told of')
  await assert.rejects(openDatabase('db', 1, upgrade), { name: 'QuotaExceededError' })
  assert.equal(failing.mock.callCount(), 1)
  failing.mock.restore()
  const db = await openDatabase('db', 1)
  assert.equal(db.version, 1)
  db.close()
})

test('a transaction stays active until the microtasks of its listener have run', async (t) => {
  const db = await makeDatabase(t)
  const begin = () => db.transaction('s')
  const read = (tx: any) => tx.objectStore('s').get('key')
  const outcome = new Promise((resolve, reject) => {
    // Its end is due when the next listener has begun already.
    read(begin()).addEventListener('success', () => void Promise.resolve().then(begin))
    read(begin()).addEventListener('success', () => {
      const tx = begin()
      Promise.resolve()
        .then(() => resultOf(read(tx)))
        .then(resolve, reject)
    })
  })
  assert.equal(await outcome, 'there')
})

test('so does one of a nextTick callback', async (t) => {
  const db = await makeDatabase(t)
  const read = (tx: any) => tx.objectStore('s').get('key')
  const outcome = new Promise((resolve, reject) => {
    const begin = () => {
      const tx = db.transaction('s')
      Promise.resolve()
        .then(() => resultOf(read(tx)))
        .then(resolve, reject)
    }
    const request = read(db.transaction('s'))
    request.addEventListener('success', () => {
      void Promise.resolve().then(() => process.nextTick(begin))
    })
  })
  assert.equal(await outcome, 'there')
})
