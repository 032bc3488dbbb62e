import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { assertCode, fails } from '../support/errors'

const STORES = {
  s: { keyPath: 'id', indexes: { byA: { on: 'a' }, byTag: { on: 'tags', multiEntry: true } } },
  numbered: { autoIncrement: true },
} as const

function documents(count: number): any[] {
  const text = 'some text that takes its room '.repeat(20)
  return Array.from({ length: count }, (_, id) => ({ id, a: id % 50, tags: [id % 3, 't'], text }))
}

/** A database most of whose file is free. */
async function sparse(path: string, kept = 1_000): Promise<any> {
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  await db.store('s').putMany(documents(20_000))
  await db.store('s').delete({ gte: kept })
  await db.store('numbered').putMany([{}, {}, {}])
  await db.store('numbered').clear()
  return db
}

async function assertIntact(db: any, kept = 1_000): Promise<void> {
  assert.deepEqual(await db.store('s').getAll(), documents(kept))
  assert.equal(await db.store('s').count(), kept)
  assert.equal(await db.store('s').index('byA').count(), kept)
  assert.equal(await db.store('s').index('byTag').count('t'), kept)
  assert.equal((await db.store('s').index('byA').getAll(7)).length, kept / 50)
}

const sizeOf = (path: string): number => statSync(join(path, 'data.mdb')).size

test('compact makes the file smaller and keeps everything', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await sparse(path)
  const before = sizeOf(path)
  const names = readdirSync(path).toSorted()
  await db.compact()
  assert.ok(sizeOf(path) < before / 4, `${before} bytes before, ${sizeOf(path)} after`)
  assert.equal((await db.stats()).fileSize, sizeOf(path))
  await assertIntact(db)
  assert.deepEqual(readdirSync(path).toSorted(), names, 'nothing is left beside the file')
  await db.store('s').putMany(documents(2_000))
  await assertIntact(db, 2_000)
  assert.equal(await db.store('numbered').add({}), 4, 'key generators go on')
  await db.createIndex('s', 'byText', 'text')
  await db.close()
  const again = await open(path, { mode: 'open' })
  await assertIntact(again, 2_000)
  await again.close()
})

test('reads and writes go on while it runs', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await sparse(path)
  const other = (await open(path)) as any
  const work = { goes: true }
  const counts = { reads: 0, expired: 0 }
  const reading = async (handle: any): Promise<void> => {
    while (work.goes) {
      const id = counts.reads++ % 1_000
      assert.equal((await handle.store('s').get(id)).id, id)
      try {
        assert.equal((await handle.store('s').getAll()).length, 1_000)
        let rows = 0
        for await (const row of handle.store('s').index('byA').range()) {
          assert.ok(row.id < 1_000)
          rows++
        }
        assert.equal(rows, 1_000)
      } catch (error) {
        // A scan that is under way when the files change places may have to begin again.
        if ((error as { code?: string }).code !== 'SNAPSHOT_EXPIRED') throw error
        counts.expired++
      }
    }
  }
  const running = [reading(db), reading(other)]
  const phases = new Set<string>()
  const longest: number[] = []
  for (let i = 0; i < 4; i++) {
    const delay = monitorEventLoopDelay()
    delay.enable()
    const onProgress = ({ phase }: any): unknown => phases.add(phase)
    const [, key] = await Promise.all([
      db.compact({ onProgress }),
      other.store('numbered').put('meanwhile', 1_000 + i),
    ])
    assert.equal(await db.store('numbered').get(key), 'meanwhile')
    delay.disable()
    longest.push(delay.max / 1e6)
  }
  work.goes = false
  await Promise.all(running)
  assert.ok(counts.reads > 0)
  assert.deepEqual([...phases], ['compact'])
  t.diagnostic(JSON.stringify({ ...counts, longest }))
  // Other programs may hold up one of them, by taking the processor away.
  assert.ok(Math.min(...longest) < 300, `the event loop stood still for ${longest} ms`)
  await assertIntact(db)
  await Promise.all([db.close(), other.close()])
})

test('a snapshot gives way, an open transaction is waited for', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await sparse(path)
  const snapshot = await db.snapshot()
  const cursor = db.store('s').openCursor()
  await cursor.next()
  const tx = await db.begin()
  await tx.store('s').delete({ gte: 500 })
  const compacted = db.compact()
  await tx.commit()
  await compacted
  await fails(() => snapshot.store('s').get(1), 'SNAPSHOT_EXPIRED')
  await fails(() => cursor.seek(700), 'SNAPSHOT_EXPIRED')
  snapshot.close()
  await cursor.close()
  await assertIntact(db, 500)
  await db.close()
})

test('one that is cancelled changes nothing', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await sparse(path, 15_000)
  // On a busy machine the news may come when all is done; then once more.
  const cancelled = async (): Promise<boolean> => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    const options = { signal: controller.signal, onProgress }
    return db.compact(options).then(
      () => false,
      (error) => {
        assertCode(error, 'ABORTED')
        return true
      },
    )
  }
  while (!(await cancelled()));
  await assertIntact(db, 15_000)
  const names = readdirSync(path)
  assert.ok(!names.some((name) => name.startsWith('compact')), names.join())
  await db.compact()
  await assertIntact(db, 15_000)
  await db.close()
})

test('a read-only database is not compacted', async (t) => {
  const path = await temporaryDirectory(t)
  await (await sparse(path)).close()
  const db = (await open(path, { mode: 'readOnly' })) as any
  await fails(() => db.compact(), 'TX_READ_ONLY')
  await assertIntact(db)
  await db.close()
})

test('spaces are compacted by themselves', async (t) => {
  const path = await temporaryDirectory(t)
  const root = (await open(path, { stores: { s: {} } })) as any
  await root.store('s').put('root', 1)
  const space = (await open(path, { space: 'one', stores: STORES, durability: 'relaxed' })) as any
  await space.store('s').putMany(documents(10_000))
  await space.store('s').delete({ gte: 1_000 })
  const before = (await space.stats()).fileSize
  await space.compact()
  assert.ok((await space.stats()).fileSize < before / 2)
  await assertIntact(space)
  await root.compact()
  assert.equal(await root.store('s').get(1), 'root')
  await Promise.all([root.close(), space.close()])
})
