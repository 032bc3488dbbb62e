import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from '../../lib/indexeddb'
import type { IDBRequest } from '../../lib/indexeddb'
import { temporaryDirectory } from '../support/database'

const FIXTURE = join(__dirname, '..', '..', 'tests', 'fixtures', 'indexeddb')

function outcome<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error))
  })
}

test('the fixture of IndexedDB opens, keeps its version and is kept up', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(FIXTURE, path, { recursive: true })
  configure({ path })
  assert.deepEqual(await indexedDB.databases(), [{ name: 'library', version: 7 }])
  const db = await outcome(indexedDB.open('library'))
  assert.equal(db.version, 7)
  assert.deepEqual([...db.objectStoreNames], ['books', 'plain'])
  const transaction = db.transaction(['books', 'plain'], 'readwrite')
  const books = transaction.objectStore('books')
  assert.deepEqual([...books.indexNames], ['byAuthor', 'byBoth', 'byTag', 'byTitle'])
  assert.equal(books.autoIncrement, true)
  const keysOf = (name: string) => outcome(books.index(name).getAllKeys())
  assert.deepEqual(await keysOf('byAuthor'), [123457, 123456, 123458])
  assert.deepEqual(await keysOf('byTag'), [123456, 123456, 123457])
  assert.deepEqual(await keysOf('byBoth'), [123457, 123456, 123458])
  const key = ['a', new Uint8Array([1, 2])]
  assert.deepEqual(await outcome(transaction.objectStore('plain').get(key)), new Date(0))
  assert.equal(await outcome(books.put({ author: 'Fred', title: 'New' })), 123459)
  assert.deepEqual(await keysOf('byAuthor'), [123457, 123456, 123459, 123458])
  db.close()
})
