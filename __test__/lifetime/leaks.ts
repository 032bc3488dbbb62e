/** Loses what should be closed, and waits until the collector has found it. */

import assert from 'node:assert/strict'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { until } from '../support/check'
import { say } from '../support/parent'
import { filesOpenIn } from './leftovers'

const LEAKS = 30
/** Writers are leaked one after the other. */
const WRITER_LEAKS = 5
const WRITERS = ['writers', 'unfinished functions']

const collect = (globalThis as { gc?: () => void }).gc!

const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const

/** What is still held: snapshots and queries, by the database's own figures. */
async function held(db: any): Promise<number> {
  await setImmediate()
  const { readers, queries } = await db.stats()
  return readers + queries
}

const leak: Record<string, (db: any, path: string) => Promise<unknown>> = {
  snapshots: (db) => db.snapshot(),

  async cursors(db) {
    await db.store('s').openCursor().next()
    await db.store('s').index('byA').openCursor(undefined, { direction: 'prev' }).next()
  },

  async iterators(db) {
    const iterator = db.store('s').range()[Symbol.asyncIterator]()
    // The first chunk is not held, the second one is.
    for (let i = 0; i < 300; i++) await iterator.next()
  },

  async queries(db) {
    const query = db.store('s').find({ a: { $gte: 0 } })
    for (const iterable of [query, query.sort('-a'), query.stages([{ $sort: { a: 1 } }])]) {
      const iterator = iterable[Symbol.asyncIterator]()
      for (let i = 0; i < 300; i++) await iterator.next()
    }
  },

  async transactions(db) {
    const tx = await db.begin({ mode: 'readonly' })
    await tx.store('s').get(1)
  },

  /** Without limits in time, so that only the collector can free the writer. */
  async writers(db) {
    const tx = await db.begin({ idleTimeout: 0, timeout: 0 })
    await tx.savepoint((inner: any) => inner.store('s').put({ id: 'leaked', a: 1 }))
  },

  /** A function that never ends, and a savepoint in it that never does. */
  async 'unfinished functions'(db) {
    await new Promise((resolve) => {
      const run = (tx: any): Promise<unknown> =>
        tx.savepoint(async (inner: any) => {
          await inner.store('s').put({ id: 'leaked', a: 1 })
          resolve(undefined)
          await new Promise(() => {})
        })
      void db.transaction(run, { idleTimeout: 0, timeout: 0 })
    })
  },

  async databases(_, path) {
    const db = await open(path)
    await db.store('s').get(1)
    await db.snapshot()
    void db.store('s').put({ id: 1, a: 1 })
  },

  async everything(db, path) {
    for (const name of WRITERS) {
      await leak[name]!(db, path)
      assert.ok(await writesAgain(db), name)
    }
    for (const [name, loses] of Object.entries(leak)) {
      if (name !== 'everything' && !WRITERS.includes(name)) await loses(db, path)
    }
  },
}

/** Whether a write is made, which has to wait for one that was leaked to be collected. */
async function writesAgain(db: any): Promise<boolean> {
  const put = db.store('s').put({ id: 'after', a: 1 })
  for (let round = 0; round < 300; round++) {
    collect()
    if ((await Promise.race([put, setTimeout(10, 'not yet')])) === 'not yet') continue
    await db.store('s').delete('after')
    return true
  }
  return false
}

/** Gives the most that were held at once. A function of its own, so that nothing is kept in it. */
async function leakMany(
  leakOne: () => Promise<unknown>,
  db: any,
  { times, writes }: { times: number; writes: boolean },
): Promise<number> {
  let most = 0
  for (let i = 0; i < times; i++) {
    await leakOne()
    if (writes) assert.ok(await writesAgain(db), 'the writer is not free')
    most = Math.max(most, await held(db))
  }
  return most
}

async function main(): Promise<void> {
  const [path, scenario] = process.argv.slice(2)
  const db = await open(path!, { stores: STORES, durability: 'relaxed' })
  await db.store('s').putMany(Array.from({ length: 1000 }, (_, id) => ({ id, a: id % 9 })))
  const before = await held(db)
  const writes = WRITERS.includes(scenario!)
  const times = writes || scenario === 'everything' ? WRITER_LEAKS : LEAKS
  const most = await leakMany(() => leak[scenario!]!(db, path!), db, { times, writes })
  let after = most
  // Finalisers run some time after a collection; nothing announces them.
  for (let round = 0; round < 300 && after > before; round++) {
    collect()
    await setTimeout(10)
    after = await held(db)
  }
  say({ before, most, after })
  assert.ok(after <= before, `${after} snapshots are held, ${before} were before`)
  assert.ok(writes || most > before, 'nothing was held at all')
  if (scenario === 'snapshots') assert.ok(most >= before + LEAKS / 2, 'nothing was held at all')
  assert.equal(await db.store('s').count(), 1000)
  await db.store('s').delete({ gte: 10 })
  const { fileSize } = await db.stats()
  await db.compact()
  assert.ok((await db.stats()).fileSize < fileSize, 'nothing could be compacted')
  assert.equal(await db.store('s').count(), 10)
  await db.close()
  await until('the closing of all files', () => {
    collect()
    return filesOpenIn(path!).length === 0
  })
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
