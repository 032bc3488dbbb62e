import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure, IDBKeyRange, indexedDB } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { openDatabase, resultOf } from './requests'

test('objects of the interfaces cannot be stored', async (t) => {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const db: any = await openDatabase('db', 1, (made) => {
    made.createObjectStore('s').put('value', 'key')
  })
  const store = db.transaction('s', 'readwrite').objectStore('s')
  const opened = store.openCursor()
  const cursor = await resultOf(opened)
  const objects = [
    ...[IDBKeyRange.only(1), indexedDB, db, db.objectStoreNames],
    ...[store, store.transaction, opened, cursor],
  ]
  for (const object of objects) {
    const put = () => store.put({ nested: [object] }, 'other')
    assert.throws(put, { name: 'DataCloneError' }, object[Symbol.toStringTag])
  }
  assert.equal(await resultOf(store.count()), 1)
  db.close()
})
