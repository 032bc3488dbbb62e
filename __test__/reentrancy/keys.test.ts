// Keys and bounds whose accessors call the database are read as they are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, temporaryDatabase } from '../support/database'

const inner: Record<string, (store: any) => unknown> = {
  getSync: (store) => store.getSync([0]),
  get: (store) => store.get([1]),
  getMany: (store) => store.getMany([[1], [2]]),
  has: (store) => store.has([1]),
  getAll: (store) => store.getAll(),
  count: (store) => store.count({ gte: [1] }),
  put: (store) => store.put({ inner: true }, [99]),
  delete: (store) => store.delete([98]),
}

const outer: Record<string, [(store: any, key: any) => Promise<unknown>, unknown]> = {
  get: [(store, key) => store.get(key), { id: 3 }],
  getSync: [async (store, key) => store.getSync(key), { id: 3 }],
  getMany: [(store, key) => store.getMany([[1], key, [2]]), [{ id: 1 }, { id: 3 }, { id: 2 }]],
  has: [(store, key) => store.has(key), true],
  count: [(store, key) => store.count({ lte: key }), 4],
  getAll: [(store, key) => store.getAll({ gte: key, lte: [4] }), [{ id: 3 }, { id: 4 }]],
  getKey: [(store, key) => store.getKey({ gte: key }), [3]],
  delete: [(store, key) => store.delete(key), 1],
  deleteMany: [(store, key) => store.deleteMany([[1], key]), 2],
  put: [(store, key) => store.put({ id: 'again' }, key), [3]],
  update: [(store, key) => store.update(key, { $set: { n: 1 } }), { matched: 1, modified: 1 }],
  upsert: [async (store, key) => (await store.upsert({ id: 'again' }, { key })).key, [3]],
  putMany: [(store, key) => store.putMany([[key, { id: 'again' }]], { entries: true }), [[3]]],
  seek: [
    async (store, key) => {
      await using cursor = store.openCursor()
      return (await cursor.seek(key)) ? cursor.value : undefined
    },
    { id: 3 },
  ],
}

/** The key `[3]`, which calls something when it is read. */
function callingKey(call: () => void): unknown[] {
  const get = (): number => {
    call()
    return 3
  }
  return Object.defineProperty([0], 0, { enumerable: true, configurable: true, get })
}

for (const [name, [call, expected]] of Object.entries(outer)) {
  test(`${name}, while its key calls back`, async (t) => {
    const db = await temporaryDatabase(t, { stores: { s: {} }, durability: 'none' })
    const store: any = db.store('s')
    for (const [method, callBack] of Object.entries(inner)) {
      await store.clear()
      const entries = documents(5).map(({ id }) => [[id], { id }])
      await store.putMany(entries, { entries: true })
      const pending: unknown[] = []
      const key = callingKey(() => pending.push(callBack(store)))
      assert.deepEqual(await call(store, key), expected, method)
      assert.ok(pending.length > 0, 'the accessor was not asked')
      await Promise.all(pending)
      if (method === 'put') assert.deepEqual(await store.get([99]), { inner: true })
    }
  })
}

test('a date is a key by its time, whatever its methods say', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: {} } })
  const store: any = db.store('s')
  const date = new Date(5)
  const refuse = (): never => assert.fail('a method of the key was called')
  Object.assign(date, { valueOf: refuse, toJSON: refuse, getTime: refuse, toString: refuse })
  await store.put({ n: 1 }, date)
  assert.deepEqual(await store.get(new Date(5)), { n: 1 })
  assert.deepEqual(await store.get(date), { n: 1 })
})
