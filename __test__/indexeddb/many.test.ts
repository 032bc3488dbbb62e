import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase, resultOf } from './requests'

test('more transactions read at once than there are readers', async (t) => {
  configure({ path: join(await temporaryDirectory(t), 'db'), durability: 'none' })
  const db = await openDatabase('db', 1, (upgraded) => {
    upgraded.createObjectStore('numbers').put('one', 1)
  })
  const read = () => resultOf(db.transaction('numbers').objectStore('numbers').get(1))
  const values = await Promise.all(Array.from({ length: 3000 }, read))
  assert.deepEqual(new Set(values), new Set(['one']))

  // Those that begin later see what was written in between.
  const before = read()
  const transaction = db.transaction('numbers', 'readwrite')
  transaction.objectStore('numbers').put('two', 1)
  assert.deepEqual(await Promise.all([before, read()]), ['one', 'two'])
  db.close()
})

test('a place that cannot be used is tried again', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  writeFileSync(path, 'not a directory')
  configure({ path })
  await assert.rejects(indexedDB.databases())
  rmSync(path)
  assert.deepEqual(await indexedDB.databases(), [])
})

test('thousands of transactions wait for one that writes', async (t) => {
  configure({ path: join(await temporaryDirectory(t), 'db'), durability: 'none' })
  const db = await openDatabase('db', 1, (upgraded) => {
    upgraded.createObjectStore('numbers')
  })
  const order: string[] = []
  const begin = (mode: string, name: string) => {
    const transaction = db.transaction('numbers', mode)
    if (mode === 'readwrite') transaction.objectStore('numbers').put(1, 1)
    else transaction.objectStore('numbers').get(1)
    return completed(transaction).then(() => order.push(name))
  }
  const ended: Promise<unknown>[] = []
  for (let i = 0; i < 3000; i++) ended.push(begin('readonly', 'before'))
  ended.push(begin('readwrite', 'writer'))
  for (let i = 0; i < 3000; i++) ended.push(begin('readonly', 'behind'))
  const begun = performance.now()
  await Promise.all(ended)
  // It took minutes when each end looked at all others.
  assert.ok(performance.now() - begun < 15_000)
  assert.equal(order.indexOf('writer'), 3000)
  assert.equal(order.indexOf('behind'), 3001)
  db.close()
})

test('one that is aborted before its turn lets others wait on', async (t) => {
  configure({ path: join(await temporaryDirectory(t), 'db'), durability: 'none' })
  const db = await openDatabase('db', 1, (upgraded) => {
    for (const name of ['a', 'b']) upgraded.createObjectStore(name)
  })
  const order: string[] = []
  const begin = (names: string[], mode: string, name: string) => {
    const transaction = db.transaction(names, mode)
    for (const each of names) transaction.objectStore(each).get(1)
    transaction.addEventListener('complete', () => order.push(name))
    transaction.addEventListener('abort', () => order.push(`${name} aborted`))
    return transaction
  }
  begin(['a'], 'readwrite', '1')
  const second = begin(['a', 'b'], 'readwrite', '2')
  begin(['a'], 'readonly', '3')
  const last = begin(['b', 'a'], 'readwrite', '4')
  second.abort()
  await completed(last)
  assert.deepEqual(order, ['2 aborted', '1', '3', '4'])
  db.close()
})
