// Changes in batches: each document once, and what is done stays.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'
import { storeOf } from './store'

const numbered = (count: number): object[] =>
  Array.from({ length: count }, (_, n) => ({ n, group: n % 3, tags: [n, n + 1000] }))

const INDEXES = { byN: { on: 'n' }, byGroup: { on: 'group' }, byTag: { on: 'tags' } }

for (const hint of [undefined, 'byN'] as const) {
  test(`a document that moves along is changed once, ${hint ?? 'planned freely'}`, async (t) => {
    const { store } = await storeOf(t, numbered(200), { indexes: INDEXES })
    for (const batch of [1, 7, 100, 200, 1000]) {
      const before = new Map<number, number>()
      for (const { id, n } of await store.find()) before.set(id, n)
      const query = store.find({ n: { $gte: 0 } }, { hint })
      const result = await query.update({ $inc: { n: 50 } }, { batch })
      assert.deepEqual(result, { matched: 200, modified: 200 }, `batches of ${batch}`)
      for (const { id, n } of await store.find()) assert.equal(n, before.get(id)! + 50)
    }
  })
}

test('batches change and delete what one transaction would', async (t) => {
  const filters = [
    {},
    { group: 1 },
    { tags: { $gte: 1050 } },
    { id: { $gt: 20, $lte: 90 } },
    { $or: [{ n: { $lt: 10 } }, { group: 2 }] },
    { $expr: { $gt: [{ $add: ['$n', '$group'] }, 40] } },
  ]
  for (const filter of filters) {
    const { store } = await storeOf(t, numbered(120), { indexes: INDEXES })
    const { store: other } = await storeOf(t, numbered(120))
    const update = { $mul: { n: 2 }, $push: { tags: 7 } }
    const expected = await other.find(filter).update(update)
    assert.deepEqual(await store.find(filter).update(update, { batch: 11 }), expected)
    assert.deepEqual(await store.find().sort('id'), await other.find().sort('id'))
    const deleted = await other.find(filter).delete()
    assert.equal(await store.find(filter).delete({ batch: 13 }), deleted)
    assert.deepEqual(await store.find().sort('id'), await other.find().sort('id'))
  }
})

test('keys of every kind are passed once, long ones included', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: {} } })
  const store: any = db.store('docs')
  const random = new Random(seed)
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const long = 'x'.repeat(1899)
  const keys: any[] = [-1, 0, 2.5, 10n, new Date(5), '', 'a', new Uint8Array([1]).buffer, [], [1]]
  for (let i = 0; i < 40; i++) keys.push(`${long}${'y'.repeat(random.below(4))}${i}`)
  for (const key of keys) await store.put({ n: 0 }, key)
  for (const batch of [1, 2, 3, 17]) {
    const result = await store.find().update({ $inc: { n: 1 } }, { batch })
    assert.deepEqual(result, { matched: keys.length, modified: keys.length })
    assert.equal(await store.count({ n: 1 }), keys.length)
    await store.find().update({ $set: { n: 0 } })
  }
  assert.equal(await store.find().delete({ batch: 3 }), keys.length)
})

test('progress is told, and a limit is that of all batches', async (t) => {
  const { store } = await storeOf(t, numbered(30))
  const told: any[] = []
  const onProgress = (progress: any): number => told.push(progress)
  const query = store.find({ group: { $ne: 0 } }).limit(17)
  const result = await query.update({ $set: { seen: 1 } }, { batch: 8, onProgress })
  assert.deepEqual(result, { matched: 17, modified: 17 })
  assert.deepEqual(told, [
    { phase: 'update', done: 8, total: 17 },
    { phase: 'update', done: 16, total: 17 },
    { phase: 'update', done: 17, total: 17 },
  ])
  told.length = 0
  assert.equal(await store.find({ seen: 1 }).delete({ batch: 17, onProgress }), 17)
  assert.deepEqual(told, [{ phase: 'delete', done: 17, total: 17 }])
  const failing = store.find().update(
    { $set: { a: 1 } },
    {
      batch: 5,
      onProgress() {
        throw new RangeError('enough')
      },
    },
  )
  await assert.rejects(failing, RangeError)
  assert.equal(await store.count({ a: 1 }), 5)
})

test('a signal ends it between batches, and what is done stays', async (t) => {
  const { store } = await storeOf(t, numbered(40))
  const controller = new AbortController()
  const options = {
    batch: 10,
    signal: controller.signal,
    onProgress: ({ done }: any) => done === 20 && controller.abort(new Error('why')),
  }
  const error: any = await store
    .find()
    .update({ $set: { a: 1 } }, options)
    .catch((reason: unknown) => reason)
  assert.equal(error.code, 'ABORTED')
  assert.equal(error.cause.message, 'why')
  assert.deepEqual([error.matched, error.modified], [20, 20])
  assert.deepEqual(
    await store.find({ a: 1 }).sort('id').keys(),
    Array.from({ length: 20 }, (_, id) => id),
  )
  const signal = AbortSignal.abort()
  const none: any = await store
    .find()
    .signal(signal)
    .delete({ batch: 5 })
    .catch((reason: unknown) => reason)
  assert.deepEqual([none.code, none.matched, none.modified], ['ABORTED', 0, 0])
  await rejects(store.find().update({ $set: { a: 2 } }, { signal }), 'ABORTED')
  await rejects(store.find().delete({ signal }), 'ABORTED')
  assert.equal(await store.count(), 40)
})

test('a batch that fails leaves nothing, those before it stay', async (t) => {
  const { store } = await storeOf(t, numbered(30), {
    indexes: { byName: { on: 'name', unique: true } },
  })
  await store.put({ id: 100, name: 'taken' })
  const update = { $set: { name: { $cond: [{ $eq: ['$id', 17] }, 'taken', '$id'] }, done: true } }
  const error: any = await store
    .find({ id: { $lt: 100 } })
    .update([update], { batch: 5 })
    .catch((reason: unknown) => reason)
  assert.deepEqual(
    [error.code, error.key, error.matched, error.modified],
    ['UNIQUE_VIOLATION', 17, 15, 15],
  )
  assert.equal(await store.count({ done: true }), 15)
  assert.equal(await store.count({ id: { $gte: 15 }, done: true }), 0)
})

test('others write between batches, and the request is what it was', async (t) => {
  const { db, store } = await storeOf(t, numbered(60))
  const update: any = { $set: { mark: 'first' } }
  const writes: Promise<unknown>[] = []
  const result = store.find().update(update, {
    batch: 10,
    onProgress({ done }: any) {
      writes.push(db.transaction((tx) => tx.store('docs').delete(59 - done / 10)))
      writes.push(store.put({ id: -done, late: true }))
    },
  })
  update.$set.mark = 'changed'
  assert.equal((await result).matched < 60, true)
  await Promise.all(writes)
  assert.deepEqual(await store.find().distinct('mark'), ['first'])
  // What came behind the position was not met.
  assert.equal(await store.count({ late: true, mark: { $exists: false } }), 6)
})

test('close ends it', async (t) => {
  const { db, store } = await storeOf(t, numbered(50))
  let closing: Promise<void> | undefined
  const onProgress = (): void => {
    closing ??= db.close()
  }
  const error: any = await store
    .find()
    .update({ $set: { a: 1 } }, { batch: 10, onProgress })
    .catch((reason: unknown) => reason)
  assert.deepEqual([error.code, error.matched, error.modified], ['CLOSED', 10, 10])
  await closing
})

test('where there can be no batches they are refused', async (t) => {
  const { db, store } = await storeOf(t, numbered(10))
  const batch = { batch: 5 }
  const path = 'options.batch'
  const set = { $set: { a: 1 } }
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    await rejects(own.find().update(set, batch), 'INVALID_ARGUMENT', { path })
    await rejects(own.find().delete(batch), 'INVALID_ARGUMENT', { path })
    await rejects(store.find().delete(batch), 'INVALID_ARGUMENT', { path })
    await own.put({ id: 99 })
  })
  assert.equal(await store.count(), 11)
  const snapshot = await db.snapshot()
  await rejects((snapshot.store('docs') as any).find().delete(batch), 'TX_READ_ONLY')
  snapshot.close()
  await rejects(store.find().sort('n').update(set, batch), 'INVALID_QUERY')
  await rejects(store.find().skip(1).delete(batch), 'INVALID_QUERY')
  await rejects(store.find().update(set, { batch: 0 }), 'INVALID_ARGUMENT')
  await rejects(store.find().update(set, { batch: 1.5 }), 'INVALID_ARGUMENT')
  await rejects(store.find().update(set, { onProgress() {} }), 'INVALID_ARGUMENT')
  await rejects(store.find().delete({ other: 1 }), 'INVALID_ARGUMENT')
  const signal = new AbortController().signal
  await rejects(store.find().signal(signal).delete({ signal }), 'INVALID_ARGUMENT')
  await rejects(store.find({ a: { $foo: 1 } }).delete(batch), 'INVALID_QUERY')
  await rejects(store.find().update({ $foo: {} }, batch), 'INVALID_UPDATE')
  await rejects(store.find().update({ $set: { a: () => 1 } }, batch), 'DATA_CLONE')
  assert.equal(await store.find({ a: 1 }).count(), 0)
  assert.equal(await store.count(), 11)
})

test('blobs are read once', async (t) => {
  const { store } = await storeOf(t, numbered(4))
  const blob = new Blob(['text'])
  await store.find().update({ $set: { blob } }, { batch: 3 })
  for (const document of await store.find()) assert.equal(await document.blob.text(), 'text')
})

test('errors tell the numbers from the beginning, and a limit of 0 hides none', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const store = db.store('docs') as any
  await store.putMany(Array.from({ length: 50 }, (_, id) => ({ id })))
  const nothing = { matched: 0, modified: 0 }
  const onProgress = () => {}
  await rejects(
    store.find({ id: { $foo: 1 } }).update({ $set: { a: 1 } }, { batch: 5, onProgress }),
    'INVALID_QUERY',
    nothing as any,
  )
  const controller = new AbortController()
  const options = { batch: 5, onProgress, signal: controller.signal }
  const aborted = store.find().update({ $set: { a: 1 } }, options)
  controller.abort()
  await rejects(aborted, 'ABORTED', nothing as any)

  const none = store.find().limit(0)
  await rejects(none.update({ $nonsense: 1 }, { batch: 5 }), 'INVALID_UPDATE')
  assert.deepEqual(await none.update({ $set: { a: 1 } }, { batch: 5 }), nothing)
  assert.equal(await none.delete({ batch: 5 }), 0)
  assert.equal(await store.count(), 50)
})
