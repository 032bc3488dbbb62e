import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRange } from '../../index.js'
import { collect, documents, rejects, temporaryDatabase, throws } from '../support/database'

async function filled(t: Parameters<typeof temporaryDatabase>[0], count: number) {
  const db = await temporaryDatabase(t, {
    stores: { users: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } } },
  })
  const users = db.store<ReturnType<typeof documents>[0], number>('users')
  await users.putMany(documents(count))
  return { db, users }
}

test('a range takes bounds, a KeyRange or a key, with options', async (t) => {
  const { users } = await filled(t, 50)
  const ids = async (...args: Parameters<typeof users.keys>) => collect(users.keys(...args))
  assert.deepEqual(await ids({ gte: 10, lt: 13 }), [10, 11, 12])
  assert.deepEqual(await ids({ gt: 10, lte: 13, reverse: true }), [13, 12, 11])
  assert.deepEqual(await ids({ limit: 2, offset: 3 }), [3, 4])
  assert.deepEqual(await ids(KeyRange.bound(4, 6, true), { reverse: true, limit: 1 }), [6])
  assert.deepEqual(await ids(7), [7])
  assert.deepEqual(await ids({ gt: 20, lt: 10 }), [])
  assert.deepEqual(await ids({ limit: 0 }), [])
  assert.deepEqual(await ids({ offset: 48 }), [48, 49])
  assert.deepEqual(await users.getAll({ limit: 0 }), [])
  assert.deepEqual(await users.getAllKeys({ gte: 48 }), [48, 49])
  assert.equal(await users.getKey({ gt: 3 }), 4)
  assert.equal(await users.getKey({ gt: 300 }), undefined)
})

test('it reads chunk after chunk in order, in both directions', async (t) => {
  const { users } = await filled(t, 7000)
  const docs = documents(7000)
  assert.deepEqual(await collect(users.range()), docs)
  assert.deepEqual(await users.range({ reverse: true }).toArray(), docs.toReversed())
  assert.deepEqual(await users.getAll(), docs)
  assert.deepEqual(await collect(users), docs)
  assert.deepEqual(
    await users.range({ limit: 2500, offset: 1000 }).toArray(),
    docs.slice(1000, 3500),
  )
  const byGroup = await users.index('byGroup').keys({ gte: 8 }).toArray()
  assert.deepEqual(byGroup, [
    ...docs.filter(({ group }) => group === 8).map(({ id }) => id),
    ...docs.filter(({ group }) => group === 9).map(({ id }) => id),
  ])
})

test('the same rows come as documents, keys or entries', async (t) => {
  const { users } = await filled(t, 5)
  const scan = users.range({ gte: 3 })
  assert.deepEqual(await scan.toArray(), documents(5).slice(3))
  assert.deepEqual(await scan.keys().toArray(), [3, 4])
  const [entry] = await collect(scan.entries())
  assert.deepEqual(entry, { key: 3, primaryKey: 3, value: documents(5)[3] })
  assert.deepEqual(await users.entries({ gte: 3 }).toArray(), await scan.entries().toArray())
})

test('one iteration sees one state, the next one the newest', async (t) => {
  const { users } = await filled(t, 4000)
  const scan = users.range()
  let seen = 0
  for await (const document of scan) {
    assert.equal(document.id, seen++)
    if (seen === 10) await users.delete({ gte: 100 })
  }
  assert.equal(seen, 4000)
  assert.equal((await scan.toArray()).length, 100)
})

test('what is not read to its end lets its snapshot go', async (t) => {
  const { db, users } = await filled(t, 5000)
  const readers = async () => (await db.stats()).readers
  const before = await readers()
  for await (const document of users.range()) if (document.id === 2000) break
  assert.equal(await readers(), before)

  const iterator = users.range()[Symbol.asyncIterator]()
  await iterator.next()
  assert.equal(await readers(), before + 1)
  assert.deepEqual(await iterator.return(), { value: undefined, done: true })
  assert.equal(await readers(), before)
  assert.deepEqual(await iterator.next(), { value: undefined, done: true })
  await assert.rejects(iterator.throw(new Error('mine')), /mine/)
  await assert.rejects(async () => {
    for await (const document of users.range()) throw new Error(`at ${document.id}`)
  }, /at 0/)
  assert.equal(await readers(), before)
})

test('steps that are not awaited come in order', async (t) => {
  const { users } = await filled(t, 3000)
  const iterator = users.keys()[Symbol.asyncIterator]()
  const steps = await Promise.all(Array.from({ length: 3005 }, () => iterator.next()))
  const expected = [...documents(3000).map(({ id }) => id), ...Array.from({ length: 5 })]
  assert.deepEqual(
    steps.map(({ value }) => value),
    expected,
  )
})

test('a consumer that waits is not run over', async (t) => {
  const { users } = await filled(t, 10_000)
  const iterator = users.range()[Symbol.asyncIterator]()
  await iterator.next()
  const held = process.memoryUsage().arrayBuffers
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(process.memoryUsage().arrayBuffers - held < 4_000_000)
  assert.deepEqual((await iterator.next()).value, documents(2)[1])
  await iterator.return()
})

test('closing the database ends an iteration with CLOSED', async (t) => {
  const { db, users } = await filled(t, 5000)
  const iterator = users.range()[Symbol.asyncIterator]()
  await iterator.next()
  await db.close()
  const error = await rejects(
    (async () => {
      for (let step = await iterator.next(); !step.done; step = await iterator.next());
    })(),
    'CLOSED',
  )
  assert.equal(error.retryable, false)
})

test('what is not a range is refused before anything is read', async (t) => {
  const { users } = await filled(t, 1)
  throws(() => users.range({ from: 1 } as never), 'INVALID_ARGUMENT', { path: 'query.from' })
  throws(() => users.range({ gt: 1, gte: 1 }), 'INVALID_ARGUMENT')
  throws(() => users.range({ limit: -1 }), 'INVALID_ARGUMENT', { path: 'query.limit' })
  throws(() => users.range(1, { reverse: 1 } as never), 'INVALID_ARGUMENT')
  throws(() => users.range(1, { unique: true } as never), 'INVALID_ARGUMENT')
  throws(() => users.range({ gte: null } as never), 'INVALID_KEY')
  throws(() => users.range(NaN), 'INVALID_KEY')
})
