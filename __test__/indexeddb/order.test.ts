import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { configure } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase } from './requests'

const RECORDS = 1000

async function fill(t: TestContext): Promise<any> {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const db = await openDatabase('db', 1, (made) => {
    const store = made.createObjectStore('s')
    store.createIndex('byGroup', 'group')
    for (let i = 0; i < RECORDS; i++) store.put({ group: i % 10 }, i)
  })
  t.after(() => db.close())
  return db
}

const reads: Record<string, (store: any) => any> = {
  getAll: (store) => store.getAll(),
  getAllKeys: (store) => store.getAllKeys(),
  getAllRecords: (store) => store.getAllRecords(),
  'getAll of an index': (store) => store.index('byGroup').getAll(),
}

for (const [name, read] of Object.entries(reads)) {
  test(`${name} finds what is deleted right after it`, async (t) => {
    const db = await fill(t)
    const tx = db.transaction('s', 'readwrite')
    const store = tx.objectStore('s')
    // From then on it reads through the transaction that writes.
    store.put({ group: 0 }, 0)
    const request = read(store)
    store.clear()
    const counting = store.count()
    await completed(tx)
    assert.equal(request.result.length, RECORDS)
    assert.equal(counting.result, 0)
  })
}

test('a cursor advances over what is deleted right after it', async (t) => {
  const db = await fill(t)
  const tx = db.transaction('s', 'readwrite')
  const store = tx.objectStore('s')
  store.put({ group: 0 }, 0)
  const request = store.openKeyCursor()
  const seen: unknown[] = []
  request.onsuccess = () => {
    seen.push(request.result?.key)
    if (seen.length === 1) request.result.advance(RECORDS - 1)
    if (seen.length === 1) store.clear()
  }
  await completed(tx)
  assert.deepEqual(seen, [0, RECORDS - 1])
})
