import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { completed, openDatabase, resultOf } from './requests'

async function makeDatabase(t: TestContext): Promise<any> {
  configure({ path: await temporaryDirectory(t), durability: 'none' })
  const db = await openDatabase('db', 1, (made) => {
    made.createObjectStore('s')
  })
  t.after(() => db.close())
  return db
}

/** An array that is a key, and calls a function when it is read. */
function keyThat(acts: () => void): unknown[] {
  return Object.defineProperty([0], 0, {
    enumerable: true,
    get() {
      acts()
      return 1
    },
  })
}

const ends: Record<string, (tx: any) => void> = {
  aborts: (tx) => tx.abort(),
  commits: (tx) => tx.commit(),
}

const uses: Record<string, (store: any, act: () => void) => void> = {
  'the key of a put': (store, act) => store.put(1, keyThat(act)),
  'the key of a get': (store, act) => store.get(keyThat(act)),
  'the key of a deletion': (store, act) => store.delete(keyThat(act)),
  'the key of a cursor': (store, act) => store.openCursor(keyThat(act)),
}

for (const [does, end] of Object.entries(ends)) {
  for (const [where, use] of Object.entries(uses)) {
    test(`an accessor in ${where} that ${does} the transaction ends it`, async (t) => {
      const db = await makeDatabase(t)
      const tx = db.transaction('s', 'readwrite')
      const ended = completed(tx).catch(() => {})
      const act = () => end(tx)
      assert.throws(() => use(tx.objectStore('s'), act), { name: 'TransactionInactiveError' })
      await ended
      // Nothing of it remains, and nothing waits for it.
      const next = db.transaction('s', 'readwrite')
      assert.equal(await resultOf(next.objectStore('s').count()), 0)
    })
  }
}

test('an accessor in a value that aborts the transaction ends it', async (t) => {
  const db = await makeDatabase(t)
  const tx = db.transaction('s', 'readwrite')
  const ended = assert.rejects(completed(tx), { message: 'aborted' })
  const value = {
    get it() {
      return tx.abort()
    },
  }
  const put = () => tx.objectStore('s').put(value, 1)
  assert.throws(put, { name: 'TransactionInactiveError' })
  await ended
})

test('an accessor in a key that moves the cursor leaves it there', async (t) => {
  const db = await makeDatabase(t)
  const tx = db.transaction('s', 'readwrite')
  const store = tx.objectStore('s')
  for (const key of [1, 2, 3]) store.put('value', key)
  const seen: unknown[] = []
  const request = store.openCursor()
  request.onsuccess = () => {
    const cursor = request.result
    if (cursor === null) return
    seen.push(cursor.key)
    if (seen.length > 1) return cursor.continue()
    const move = () => cursor.continue(keyThat(() => cursor.continue()))
    assert.throws(move, { name: 'InvalidStateError' })
  }
  await completed(tx)
  assert.deepEqual(seen, [1, 2, 3])
})

test('numbers of arguments are no BigInts', async (t) => {
  const db = await makeDatabase(t)
  assert.throws(() => (indexedDB as any).open('other', 1n), TypeError)
  assert.throws(() => db.transaction('s').objectStore('s').getAll(null, 1n), TypeError)
})

test('options that are not given have no members', async (t) => {
  const db = await makeDatabase(t)
  const polluted = Object.prototype as any
  polluted.durability = 'strict'
  try {
    assert.equal(db.transaction('s').durability, 'default')
  } finally {
    delete polluted.durability
  }
})
