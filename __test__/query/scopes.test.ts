// Queries in transactions and snapshots, as in a database.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, rejects, temporaryDatabase } from '../support/database'

async function filled(t: Parameters<typeof temporaryDatabase>[0], count: number) {
  const db = await temporaryDatabase(t, {
    stores: { docs: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } }, other: {} },
  })
  const docs: any = db.store('docs')
  await docs.putMany(documents(count))
  return { db, docs }
}

test('a transaction sees what it has written, others do not', async (t) => {
  const { db, docs } = await filled(t, 3000)
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    await own.put({ id: 9000, name: 'new', group: 3 })
    await own.delete({ lt: 100 })
    assert.equal(await own.find({ group: 3 }).count(), 291)
    assert.deepEqual(await own.find({ name: 'new' }).keys(), [9000])
    assert.equal(
      (
        await own
          .find({ id: { $gte: 0 } })
          .sort('-id')
          .first()
      ).id,
      9000,
    )
    assert.equal((await own.find({ group: { $in: [1, 2] } })).length, 580)
    // Calls on the database join; those outside of it do not.
    assert.equal((await docs.find({ name: 'new' })).length, 1)
    assert.equal(await db.outside(() => docs.find({ name: 'new' }).count()), 0)
    assert.equal(await db.outside(() => docs.find({ group: 3 }).count()), 300)
  })
  assert.equal(await docs.find({ name: 'new' }).count(), 1)
})

test('a transaction counts more entries than a piece of work has', async (t) => {
  const { db, docs } = await filled(t, 0)
  await docs.putMany(Array.from({ length: 33_000 }, (_, id) => ({ id, group: id % 3 })))
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    await own.delete({ lt: 30 })
    assert.equal(await own.find({ group: { $in: [0, 1, 2] } }).count(), 32_970)
    assert.equal(await own.find({ id: { $gte: 3000 } }).count(), 30_000)
  })
  assert.equal(await docs.find({ group: { $in: [0, 1] } }).count(), 21_980)
})

test('a query goes on while its transaction writes', async (t) => {
  const { db } = await filled(t, 3000)
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    const seen: number[] = []
    for await (const { id } of own.find({ name: { $like: 'name%' } }).sort('id')) {
      seen.push(id)
      if (id < 3000 && id % 500 === 0) await own.put({ id: 10_000 + id, name: 'more', group: 1 })
    }
    assert.deepEqual(
      seen,
      documents(3000).map(({ id }) => id),
    )
    for await (const { id } of own.find({ group: 4 })) await own.delete(id)
    assert.equal(await own.find({ group: 4 }).count(), 0)
    assert.equal(await own.count(), 2706)
  })
})

test('a read-only transaction and a snapshot read one state', async (t) => {
  const { db, docs } = await filled(t, 3000)
  const snapshot = await db.snapshot()
  await db.transaction(
    async (tx) => {
      const old: any = tx.store('docs')
      assert.equal(await old.find({ group: 5 }).count(), 300)
      await db.outside(() => docs.delete({ gte: 100 }))
      assert.equal(await old.find({ group: 5 }).count(), 300)
      assert.equal((await old.find({ group: 5 })).length, 300)
      assert.equal((await old.find({ name: { $contains: 'name' } })).length, 3000)
    },
    { mode: 'readonly' },
  )
  const kept: any = snapshot.store('docs')
  assert.equal((await kept.find({ name: { $contains: 'name' } }).sort('name')).length, 3000)
  assert.equal(await docs.find({ group: 5 }).count(), 10)
  const iterator = kept.find({ name: { $contains: 'name' } })[Symbol.asyncIterator]()
  await iterator.next()
  snapshot.close()
  await rejects(iterator.next(), 'CLOSED')
  await rejects(kept.find().toArray(), 'CLOSED')
})

test('what ended cannot be queried', async (t) => {
  const { db, docs } = await filled(t, 10)
  const tx = await db.begin()
  const own: any = tx.store('docs')
  const query = own.find({ group: 1 })
  assert.equal((await query).length, 1)
  const iterator = query[Symbol.asyncIterator]()
  await tx.rollback()
  await rejects(query.toArray(), 'TX_INACTIVE')
  await rejects(iterator.next(), 'TX_INACTIVE')
  await db.deleteObjectStore('docs')
  await rejects(docs.find({ group: 1 }).toArray(), 'STORE_NOT_FOUND')
})

test('a transaction for other stores refuses it', async (t) => {
  const { db } = await filled(t, 10)
  const docs: any = db.store('docs')
  await db.transaction(
    async () => {
      await rejects(docs.find().toArray(), 'INVALID_ARGUMENT')
    },
    { stores: 'other' },
  )
})

test('an abort in a transaction ends the query, not the transaction', async (t) => {
  const { db } = await filled(t, 3000)
  await db.transaction(async (tx) => {
    const own: any = tx.store('docs')
    const controller = new AbortController()
    let rows = 0
    const iterate = async () => {
      for await (const row of own.find({ group: { $gte: 0 } }, { signal: controller.signal })) {
        if (row !== undefined && ++rows === 200) controller.abort()
      }
    }
    await rejects(iterate(), 'ABORTED')
    assert.equal(rows, 200)
    await own.put({ id: 5000, group: 0 })
  })
  assert.equal(await db.store('docs').count(), 3001)
})
