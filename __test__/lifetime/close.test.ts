import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LodestoreError, open } from '../../index.js'
import { collect, temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'

const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const

test('close in the middle of everything', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const s = db.store('s')
  await s.putMany(
    Array.from({ length: 5000 }, (_, id) => ({ id, a: id % 9, text: 'x'.repeat(99) })),
  )
  const iterate = async (): Promise<number> => (await collect(s.range())).length
  const work: Record<string, Promise<unknown>> = {
    puts: Promise.all(Array.from({ length: 300 }, (_, i) => s.put({ id: 10_000 + i, a: 1 }))),
    putMany: s.putMany(Array.from({ length: 40_000 }, (_, i) => ({ id: 20_000 + i, a: 2 }))),
    getAll: s.getAll(),
    iteration: iterate(),
    cursor: s.openCursor().next(),
    transaction: db.transaction(async (tx: any) => {
      await tx.store('s').put({ id: -1, a: 3 })
      await tx.store('s').put({ id: -2, a: 3 })
    }),
    index: db.createIndex('s', 'byText', 'text'),
    backup: db.backup(join(path, 'copy')),
    flush: db.flush(),
    stats: db.stats(),
  }
  const settled = Promise.allSettled(Object.values(work))
  await Promise.all([db.close(), db.close()])
  const outcomes = await settled
  const byName = new Map(Object.keys(work).map((name, i) => [name, outcomes[i]!]))
  for (const [name, outcome] of byName) {
    if (outcome.status === 'fulfilled') continue
    const codes = ['CLOSED', 'TX_INACTIVE', 'ABORTED', 'SNAPSHOT_EXPIRED']
    assert.ok(codes.includes(outcome.reason.code), `${name}: ${outcome.reason.stack}`)
  }
  assert.equal(byName.get('puts')!.status, 'fulfilled', 'accepted writes are written')

  const again = (await open(path)) as any
  const ids = new Set(await again.store('s').getAllKeys())
  const has = (low: number, count: number): number =>
    Array.from({ length: count }, (_, i) => low + i).filter((id) => ids.has(id)).length
  assert.equal(has(0, 5000), 5000)
  assert.equal(has(10_000, 300), 300)
  const many = byName.get('putMany')!.status === 'fulfilled' ? [40_000] : [0]
  assert.ok(many.includes(has(20_000, 40_000)), 'half of a putMany is there')
  const both = byName.get('transaction')!.status === 'fulfilled' ? [2] : [0]
  assert.ok(both.includes(has(-2, 2)), 'half of a transaction is there')
  assert.equal(existsSync(join(path, 'copy')), byName.get('backup')!.status === 'fulfilled')
  assert.equal(await again.store('s').index('byA').count(), ids.size)
  await again.close()
})

test('what is flushed before a close is on disk, whenever that comes', async (t) => {
  const path = await temporaryDirectory(t)
  const outcomes = new Set<string>()
  for (let i = 0; i < 150; i++) {
    const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
    let warned: Error | undefined
    db.on('error', (error: Error) => (warned = error))
    await db.store('s').put({ id: i, a: 1 })
    const flushes = [db.flush(), db.flush(), db.flush()].map((flush) =>
      flush.then(
        () => outcomes.add('done'),
        ({ code }: LodestoreError) => outcomes.add(code),
      ),
    )
    // At once, or in the moment between a flush that has passed the writer, and its last step.
    if (i % 3 > 0) {
      await Promise.resolve()
      await Promise.resolve()
      const end = performance.now() + (0.4 * i) / 150
      while (performance.now() < end);
    }
    await db.close()
    await Promise.all(flushes)
    assert.equal(warned, undefined)
  }
  assert.deepEqual([...outcomes], ['done'])
})

test('a flush behind an open transaction keeps no thread from other work', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(join(path, 'a'), { stores: STORES })) as any
  const tx = await db.begin()
  await tx.store('s').put({ id: 1 })
  let isFlushed = false
  const flushes = Array.from({ length: 20 }, async () => {
    await db.flush()
    isFlushed = true
  })
  const other = (await open(join(path, 'b'), { stores: STORES })) as any
  await other.verify()
  await other.close()
  await db.verify()
  assert.equal(isFlushed, false)
  await tx.commit()
  await Promise.all(flushes)
  await db.close()
})

test('close settles although a transaction was left open', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const tx = await db.begin()
  await tx.store('s').put({ id: 1 })
  const waiting = db.store('s').put({ id: 2 })
  await Promise.all([db.close(), waiting])
  await fails(() => tx.commit(), 'TX_INACTIVE', 'CLOSED')
  const again = (await open(path)) as any
  assert.deepEqual(await again.store('s').getAllKeys(), [2])
  await again.close()
})

test('close inside a transaction rolls it back', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES })) as any
  const closed = db.transaction(async (tx: any) => {
    await tx.store('s').put({ id: 1 })
    await db.close()
  })
  await fails(() => closed, 'CLOSED', 'TX_INACTIVE')
  const again = (await open(path)) as any
  assert.equal(await again.store('s').count(), 0)
  await again.close()
})

test('what was opened twice stays open for the other', async (t) => {
  const path = await temporaryDirectory(t)
  const [first, second] = (await Promise.all([open(path, { stores: STORES }), open(path)])) as any[]
  const snapshot = await second.snapshot()
  const cursor = second.store('s').openCursor()
  await first.store('s').put({ id: 1 })
  const last = first.store('s').put({ id: 2 })
  await first.close()
  await last
  await fails(() => first.store('s').get(1), 'CLOSED')
  assert.equal(await snapshot.store('s').count(), 0)
  assert.equal(await cursor.next(), true)
  assert.equal(await second.store('s').count(), 2)
  await second.store('s').put({ id: 3 })
  await second.close()
})

test('a database can be opened and closed again and again', async (t) => {
  const path = await temporaryDirectory(t)
  for (let i = 0; i < 40; i++) {
    const db = (await open(path, { stores: STORES, durability: i % 2 ? 'none' : 'strict' })) as any
    void db.store('s').put({ id: i })
    assert.equal(await db.store('s').count(), i)
    await db.close()
  }
})

test('opening while the same database is being closed', async (t) => {
  const path = await temporaryDirectory(t)
  let db = (await open(path, { stores: STORES })) as any
  for (let i = 0; i < 40; i++) {
    void db.store('s').put({ id: i })
    const [, next] = await Promise.all([db.close(), open(path)])
    db = next
    assert.equal(await db.store('s').count(), i + 1)
  }
  await db.close()
})

test('a database in memory is gone after close', async () => {
  const db = (await open(':memory:', { stores: STORES })) as any
  await db.store('s').put({ id: 1 })
  await db.close()
  const other = (await open(':memory:')) as any
  assert.deepEqual(other.storeNames, [])
  await other.close()
})

test('objects of a closed database say CLOSED, and closing them again does nothing', async (t) => {
  const db = (await open(await temporaryDirectory(t), { stores: STORES })) as any
  const s = db.store('s')
  await s.put({ id: 1, a: 1 })
  const tx = await db.begin()
  const readOnly = await db.begin({ mode: 'readonly' })
  const snapshot = await db.snapshot()
  const cursor = s.openCursor()
  await cursor.next()
  const iterator = s.range()[Symbol.asyncIterator]()
  await db.close()
  const calls: [string, () => unknown, ...string[]][] = [
    ['tx.store.get', () => tx.store('s').get(1), 'CLOSED', 'TX_INACTIVE'],
    ['tx.store.put', () => tx.store('s').put({ id: 2 }), 'CLOSED', 'TX_INACTIVE'],
    ['tx.commit', () => tx.commit(), 'CLOSED', 'TX_INACTIVE'],
    ['readOnly.get', () => readOnly.store('s').get(1), 'CLOSED', 'TX_INACTIVE'],
    ['snapshot.get', () => snapshot.store('s').get(1), 'CLOSED'],
    ['iterator.next', () => iterator.next(), 'CLOSED'],
    ['cursor.seek', () => cursor.seek(1), 'CLOSED'],
    ['cursor.update', () => cursor.update({ id: 1 }), 'CLOSED'],
  ]
  for (const [name, call, ...codes] of calls) {
    await fails(call, ...codes).catch((cause) => {
      throw new Error(name, { cause })
    })
  }
  snapshot.close()
  await cursor.close()
  await iterator.return()
  await db.close()
  assert.equal(snapshot.closed, true)
  assert.equal(db.closed, true)
})
