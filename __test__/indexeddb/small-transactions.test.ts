import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LodestoreError, open } from 'lodestore'
import { configure } from 'lodestore/indexeddb'
import { Snapshots } from '../../lib/indexeddb/snapshots.js'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase, resultOf, walk } from './requests'

const RECORDS = 500

async function numbers(t: TestContext) {
  const path = join(await temporaryDirectory(t), 'db')
  configure({ path, durability: 'none' })
  const db = await openDatabase('numbers', 1, (upgraded) => {
    const store = upgraded.createObjectStore('numbers', { keyPath: 'id' })
    store.createIndex('bySquare', 'square')
    for (let id = 0; id < RECORDS; id++) store.put({ id, square: id * id })
  })
  return { path, db }
}

function write(db: any) {
  return db.transaction('numbers', 'readwrite').objectStore('numbers')
}

test('a transaction sees what it writes after it has read', async (t) => {
  const { db } = await numbers(t)
  const store = write(db)
  assert.deepEqual(await resultOf(store.get(7)), { id: 7, square: 49 })
  assert.equal(await resultOf(store.count()), RECORDS)
  assert.equal(await resultOf(store.index('bySquare').getKey(49)), 7)
  store.put({ id: 7, square: -7 })
  store.delete(8)
  assert.deepEqual(await resultOf(store.get(7)), { id: 7, square: -7 })
  assert.equal(await resultOf(store.count()), RECORDS - 1)
  assert.equal(await resultOf(store.index('bySquare').getKey(49)), undefined)
  const done = completed(store.transaction)
  assert.equal((await resultOf(store.getAll())).length, RECORDS - 1)
  await done
})

test('a cursor goes on where it was when its transaction begins to write', async (t) => {
  const { db } = await numbers(t)
  const store = write(db)
  const seen: number[] = []
  await new Promise<void>((resolve, reject) => {
    const request = store.openCursor()
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      const cursor = request.result
      if (cursor === null) return resolve()
      seen.push(cursor.key)
      if (cursor.key === 300) {
        store.delete(301)
        store.put({ id: 302.5, square: 0 })
        cursor.update({ id: 300, square: 'changed' })
      }
      cursor.continue()
    })
  })
  const expected = Array.from({ length: RECORDS }, (_, id) => id).filter((id) => id !== 301)
  expected.splice(expected.indexOf(303), 0, 302.5)
  assert.deepEqual(seen, expected)
  const found = await walk(write(db), 300)
  assert.deepEqual(found, [[300, { id: 300, square: 'changed' }]])
})

test('requests that nobody listens to end with their task, in order', async (t) => {
  const { db } = await numbers(t)
  const store = write(db)
  const first = store.get(1)
  const second = store.put({ id: 1, square: 'one' })
  const third = store.get(1)
  assert.equal(third.readyState, 'pending')
  await Promise.resolve()
  assert.deepEqual(
    [first, second, third].map((request) => request.readyState),
    ['pending', 'pending', 'pending'],
  )
  await completed(store.transaction)
  assert.deepEqual(
    [first, second, third].map((request) => request.result),
    [{ id: 1, square: 1 }, 1, { id: 1, square: 'one' }],
  )
})

test('an error that nobody listens to aborts, behind requests that succeed', async (t) => {
  const { db } = await numbers(t)
  const store = write(db)
  store.put({ id: RECORDS, square: 0 })
  store.add({ id: 1, square: 0 })
  await assert.rejects(completed(store.transaction), { name: 'ConstraintError' })
  assert.equal(await resultOf(write(db).count()), RECORDS)
})

test('each transaction of many sees what the ones before it have written', async (t) => {
  const { db } = await numbers(t)
  const order: number[] = []
  const ended = Array.from({ length: 200 }, async (_, i) => {
    const store = write(db)
    const request = store.get(0)
    request.addEventListener('success', () => {
      order.push(i)
      store.put({ id: 0, square: request.result.square + 1 })
    })
    await completed(store.transaction)
    order.push(i)
  })
  await Promise.all(ended)
  // The end of each is told of before the next one's first result.
  assert.deepEqual(
    order,
    Array.from({ length: 400 }, (_, at) => at >> 1),
  )
  assert.deepEqual(await resultOf(write(db).get(0)), { id: 0, square: 200 })
})

test('a transaction that is given up before its turn holds up no writer', async (t) => {
  const { path, db } = await numbers(t)
  const native = await open(path, { space: 'numbers', mode: 'open' })
  for (let round = 0; round < 50; round++) {
    const first = write(db)
    const next = write(db)
    first.put({ id: 1, square: round })
    next.get(1)
    const ended = Promise.allSettled([completed(first.transaction), completed(next.transaction)])
    // At any moment until both have ended.
    for (let turns = round % 4; turns > 0; turns--) await new Promise(setImmediate)
    try {
      next.transaction.abort()
    } catch (error: any) {
      assert.equal(error.name, 'InvalidStateError')
    }
    await ended
    await native.store('numbers').put({ id: 2, square: round })
  }
  assert.deepEqual(await native.store('numbers').get(2), { id: 2, square: 49 })
  await native.close()
})

test('transactions at once with different durability all commit', async (t) => {
  const { db } = await numbers(t)
  const durabilities = ['strict', 'relaxed', 'default']
  const ended = Array.from({ length: 30 }, (_, id) => {
    const options = { durability: durabilities[id % 3] }
    const transaction = db.transaction('numbers', 'readwrite', options)
    transaction.objectStore('numbers').put({ id: RECORDS + id, square: 0 })
    return completed(transaction)
  })
  await Promise.all(ended)
  assert.equal(await resultOf(write(db).count()), RECORDS + 30)
})

test('one that reads for long keeps the writer when there is no reader left', async (t) => {
  const { db } = await numbers(t)
  db.close()
  const both = await openDatabase('numbers', 2, (upgraded) => upgraded.createObjectStore('others'))
  const full = new LodestoreError('READERS_FULL', 'all readers are taken')
  t.mock.method(Snapshots.prototype, 'open', () => {
    throw full
  })
  const store = write(both)
  const others = both.transaction('others', 'readwrite')
  others.objectStore('others').put(1, 1)
  const order: string[] = []
  const done = [
    completed(store.transaction).then(() => order.push('reads')),
    completed(others).then(() => order.push('writes')),
  ]
  // Longer than one that has not written may hold up those that wait.
  const until = performance.now() + 1500
  do assert.equal((await resultOf(store.get(1))).square, 1)
  while (performance.now() < until)
  await Promise.all(done)
  assert.deepEqual(order, ['reads', 'writes'])
  both.close()
})
