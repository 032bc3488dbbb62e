// Iterating over a query: in chunks, of one state, and nothing is held longer than it takes.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { collect, documents, rejects, temporaryDatabase } from '../support/database'
import { collectGarbage } from '../support/runtime'

async function filled(t: Parameters<typeof temporaryDatabase>[0], count: number) {
  const db = await temporaryDatabase(t, {
    stores: { docs: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } } },
  })
  const docs: any = db.store('docs')
  await docs.putMany(documents(count))
  const readers = async () => (await db.stats()).readers
  return { db, docs, readers }
}

/** Filters and sorts that are answered by a scan, an index, and a sort. */
const QUERIES: [name: string, make: (docs: any) => any][] = [
  ['a scan', (docs) => docs.find({ name: { $like: 'name%' } })],
  ['an index', (docs) => docs.find({ group: { $gte: 0 } }).hint('byGroup')],
  ['a sort', (docs) => docs.find({ name: { $like: 'name%' } }).sort('-name')],
  ['a function', (docs) => docs.find().filter(() => true)],
]

for (const [name, make] of QUERIES) {
  test(`${name} gives all rows, in an array or one by one`, async (t) => {
    const { docs } = await filled(t, 7000)
    const rows = await make(docs)
    assert.equal(new Set(rows.map(({ id }: any) => id)).size, 7000)
    assert.deepEqual(await collect(make(docs)), rows)
    const streamed = await Readable.from(make(docs)).toArray()
    assert.deepEqual(streamed, rows)
    assert.equal(await make(docs).count(), 7000)
  })

  test(`${name} that is not read to its end lets its snapshot go`, async (t) => {
    const { docs, readers } = await filled(t, 5000)
    const before = await readers()
    let rows = 0
    for await (const row of make(docs)) if (row !== undefined && ++rows === 2000) break
    assert.equal(await readers(), before)
    const iterator = make(docs)[Symbol.asyncIterator]()
    for (let i = 0; i < 300; i++) await iterator.next()
    assert.equal(await readers(), before + 1)
    assert.deepEqual(await iterator.return(), { value: undefined, done: true })
    assert.equal(await readers(), before)
    assert.deepEqual(await iterator.next(), { value: undefined, done: true })
    await assert.rejects(async () => {
      for await (const row of make(docs)) if (row !== undefined) throw new Error('mine')
    }, /mine/)
    const last = make(docs)[Symbol.asyncIterator]()
    await last.next()
    await assert.rejects(last.throw(new Error('thrown')), /thrown/)
    const disposed = make(docs)[Symbol.asyncIterator]()
    await disposed.next()
    await disposed[Symbol.asyncDispose]()
    assert.equal(await readers(), before)
  })

  test(`${name} that is forgotten lets its snapshot go`, async (t) => {
    const { docs, readers } = await filled(t, 5000)
    // One of them may be the state that reads of one turn share.
    const before = (await readers()) + 1
    await (async () => {
      const iterators = Array.from({ length: 5 }, () => make(docs)[Symbol.asyncIterator]())
      await Promise.all(iterators.map((iterator) => iterator.next()))
    })()
    assert.ok((await readers()) >= before + 3)
    for (let i = 0; i < 50 && (await readers()) > before; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.ok((await readers()) <= before)
  })

  test(`${name} sees one state, the next time the newest`, async (t) => {
    const { docs } = await filled(t, 4000)
    const query = make(docs)
    let seen = 0
    for await (const row of query) {
      assert.ok(row.id < 4000)
      if (++seen === 10) {
        await docs.delete({ gte: 100 })
        await docs.putMany([{ id: 9000, name: 'name 9', group: 1 }])
      }
    }
    assert.equal(seen, 4000)
    assert.equal(await query.count(), 101)
  })

  test(`an aborted signal ends ${name}`, async (t) => {
    const { docs, readers } = await filled(t, 5000)
    const before = await readers()
    const controller = new AbortController()
    const query = make(docs).signal(controller.signal)
    assert.equal((await query).length, 5000)
    let rows = 0
    const error = await rejects(
      (async () => {
        for await (const row of query) {
          if (row !== undefined && ++rows === 1500) controller.abort(new Error('enough'))
        }
      })(),
      'ABORTED',
    )
    assert.equal((error.cause as Error).message, 'enough')
    assert.equal(rows, 1500)
    assert.equal(await readers(), before)
    await rejects(query.toArray(), 'ABORTED')
    await rejects(query.count(), 'ABORTED')
    await rejects(query.first(), 'ABORTED')
  })
}

test('an abort ends a query that another thread is at', async (t) => {
  const { docs, readers } = await filled(t, 20_000)
  const before = await readers()
  const controller = new AbortController()
  // Nothing passes, and to find that out takes seconds.
  const patterns = Array.from({ length: 300 }, (_, i) => ({ name: { $like: `%x_${i}%` } }))
  const query = docs.find({ $or: patterns }, { signal: controller.signal })
  const answer = query.toArray()
  await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  await rejects(answer, 'ABORTED')
  assert.equal(await readers(), before)
  await docs.put({ id: 1 })
})

test('a consumer that waits is not run over', async (t) => {
  const { docs } = await filled(t, 20_000)
  const iterator = docs.find({ group: { $gte: 0 } })[Symbol.asyncIterator]()
  await iterator.next()
  const held = process.memoryUsage().arrayBuffers
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(process.memoryUsage().arrayBuffers - held < 4_000_000)
  await iterator.return()
})

test('steps that are not awaited come in order', async (t) => {
  const { docs } = await filled(t, 3000)
  for (const query of [
    docs.find().sort('id').keys(),
    docs
      .find()
      .sort('id')
      .filter(() => true),
  ]) {
    const iterator = query[Symbol.asyncIterator]()
    const steps = await Promise.all(Array.from({ length: 3005 }, () => iterator.next()))
    const found = steps.map(({ value }) => (typeof value === 'object' ? value.id : value))
    assert.deepEqual(found, [...documents(3000).map(({ id }) => id), ...Array.from({ length: 5 })])
  }
})

test('closing the database ends an iteration with CLOSED', async (t) => {
  const { db, docs } = await filled(t, 5000)
  const iterator = docs.find({ group: { $gte: 0 } })[Symbol.asyncIterator]()
  await iterator.next()
  const waiting = docs
    .find({ name: { $regex: 'nothing' } })
    .sort('name')
    .toArray()
  waiting.catch(() => {})
  await db.close()
  await rejects(
    (async () => {
      while (!(await iterator.next()).done);
    })(),
    'CLOSED',
  )
  await rejects(docs.find().toArray(), 'CLOSED')
  await waiting.then(
    (rows: unknown[]) => assert.deepEqual(rows, []),
    (error: any) => assert.equal(error.code, 'CLOSED'),
  )
})

test('documents that are longer than an answer come whole', async (t) => {
  const { docs } = await filled(t, 10)
  const long = 'x'.repeat(300_000)
  await docs.putMany(Array.from({ length: 12 }, (_, i) => ({ id: 100 + i, group: 77, long })))
  const rows = await docs.find({ group: 77 })
  assert.equal(rows.length, 12)
  assert.ok(rows.every((row: any) => row.long === long))
  assert.equal((await docs.find({ group: 77 }).first()).long, long)
})
