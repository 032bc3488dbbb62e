import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'

const MIB = 1 << 20
const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const
const SMALL = { stores: STORES, mapSize: MIB, durability: 'relaxed' } as const

function documents(from: number, count: number): any[] {
  const text = 'x'.repeat(2_000)
  return Array.from({ length: count }, (_, i) => ({ id: from + i, a: (from + i) % 9, text }))
}

/** Makes a call again for as long as the memory map has to grow for it. */
async function retried<T>(run: () => Promise<T>): Promise<{ value: T; times: number }> {
  for (let times = 0; ; times++) {
    try {
      return { value: await run(), times }
    } catch (error) {
      const { code, retryable } = error as { code?: string; retryable?: boolean }
      if (code !== 'MAP_FULL' || times === 30) throw error
      assert.equal(retryable, true)
    }
  }
}

test('plain writes go on beyond the size of the map', async (t) => {
  const db = (await open(await temporaryDirectory(t), SMALL)) as any
  const other = (await open(db.path)) as any
  let id = 0
  for (let i = 0; i < 20; i++) {
    const [keys] = await Promise.all([
      Promise.all(documents(id, 500).map((each) => db.store('s').put(each))),
      other.store('s').getAll({ limit: 1000 }),
    ])
    id += keys.length
    assert.equal((await db.store('s').get(id - 1)).id, id - 1)
    assert.equal(await other.store('s').count(), id)
  }
  assert.ok((await db.stats()).mapSize > 20 * MIB)
  assert.equal((await db.store('s').index('byA').getAllKeys()).length, id)
  await Promise.all([db.close(), other.close()])
})

test('a document larger than the map', async (t) => {
  const db = (await open(await temporaryDirectory(t), SMALL)) as any
  const body = new Uint8Array(30 * MIB).fill(7)
  await db.store('s').put({ id: 1, body })
  assert.deepEqual((await db.store('s').get(1)).body, body)
  await db.close()
})

test('a transaction that needs more room is MAP_FULL, and fits the next time', async (t) => {
  const db = (await open(await temporaryDirectory(t), SMALL)) as any
  await db.store('s').put({ id: -1 })
  const load = (): Promise<void> =>
    db.transaction(async (tx: any) => {
      for (let i = 0; i < 10; i++) await tx.store('s').putMany(documents(i * 500, 500))
    })
  const { times } = await retried(load)
  t.diagnostic(`${times} times MAP_FULL`)
  assert.ok(times > 0)
  assert.equal(await db.store('s').count(), 5_001)
  await db.close()
})

test('a bulk write that needs a transaction of its own', async (t) => {
  const db = (await open(await temporaryDirectory(t), SMALL)) as any
  const { value } = await retried<number[]>(() => db.store('s').putMany(documents(0, 5_000)))
  assert.equal(value.length, 5_000)
  assert.equal(await db.store('s').count(), 5_000)
  await db.close()
})

test('index builds and clears go on beyond the size of the map', async (t) => {
  const db = (await open(await temporaryDirectory(t), { ...SMALL, mapSize: 24 * MIB })) as any
  await retried(() => db.store('s').putMany(documents(0, 5_000)))
  await retried(() => db.createIndex('s', 'byText', ['text', 'id']))
  assert.equal(await db.store('s').index('byText').count(), 5_000)
  await db.store('s').clear()
  assert.equal(await db.store('s').index('byText').count(), 0)
  await db.close()
})

test('snapshots give way to the growth, or are kept whole', async (t) => {
  const db = (await open(await temporaryDirectory(t), SMALL)) as any
  await db.store('s').putMany(documents(0, 100))
  const snapshot = await db.snapshot()
  const iterator = snapshot.store('s').range()[Symbol.asyncIterator]()
  await iterator.next()
  let puts = 0
  while ((await db.stats()).mapSize < 8 * MIB) {
    await db.store('s').putMany(documents(1_000 + 100 * puts++, 100))
  }
  const rows: unknown[] | Error = await snapshot
    .store('s')
    .getAll()
    .catch((error: Error) => error)
  if (rows instanceof Error) await fails(() => Promise.reject(rows), 'SNAPSHOT_EXPIRED')
  else assert.deepEqual(rows, documents(0, 100))
  snapshot.close()
  await db.close()
})

test('another process makes the file larger than the map', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, SMALL)) as any
  await db.store('s').put({ id: -1, a: 0 })
  const other = new Child(join(__dirname, 'map-growth.ts'), [path])
  for (let n = 1; n <= 5; n++) {
    const { count } = await other.next()
    assert.equal(await db.store('s').count(), count)
    assert.equal((await db.store('s').get(count - 2)).id, count - 2)
    assert.equal((await db.store('s').getAll()).length, count)
    await db.store('s').put({ id: -1, a: n })
    assert.equal(await db.transaction((tx: any) => tx.store('s').count()), count)
    other.say('go on')
  }
  assert.equal((await other.ended).code, 0)
  await db.close()
})
