import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { openDatabase, resultOf } from './requests'

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
