/** Loses what should be closed, and waits until the collector has found it. */

import assert from 'node:assert/strict'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { say } from '../support/parent'

const LEAKS = 30

const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const

/** What is still held: snapshots, by the database's own figures. */
async function readers(db: any): Promise<number> {
  await setImmediate()
  return (await db.stats()).readers
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

  async transactions(db) {
    const tx = await db.begin({ mode: 'readonly' })
    await tx.store('s').get(1)
  },

  async databases(_, path) {
    const db = await open(path)
    await db.store('s').get(1)
    await db.snapshot()
    void db.store('s').put({ id: 1, a: 1 })
  },

  async everything(db, path) {
    for (const [name, loses] of Object.entries(leak)) {
      if (name !== 'everything') await loses(db, path)
    }
  },
}

/** Gives the most that were held at once. A function of its own, so that nothing is kept in it. */
async function leakMany(leakOne: () => Promise<unknown>, db: any): Promise<number> {
  let most = 0
  for (let i = 0; i < LEAKS; i++) {
    await leakOne()
    most = Math.max(most, await readers(db))
  }
  return most
}

async function main(): Promise<void> {
  const [path, scenario] = process.argv.slice(2)
  const db = await open(path!, { stores: STORES, durability: 'relaxed' })
  await db.store('s').putMany(Array.from({ length: 1000 }, (_, id) => ({ id, a: id % 9 })))
  const before = await readers(db)
  const most = await leakMany(() => leak[scenario!]!(db, path!), db)
  const collect = (globalThis as { gc?: () => void }).gc!
  let after = most
  // Finalisers run some time after a collection; nothing announces them.
  for (let round = 0; round < 300 && after > before; round++) {
    collect()
    await setTimeout(10)
    after = await readers(db)
  }
  say({ before, most, after })
  assert.ok(after <= before, `${after} snapshots are held, ${before} were before`)
  if (scenario === 'snapshots') assert.ok(most >= before + LEAKS / 2, 'nothing was held at all')
  assert.equal(await db.store('s').count(), 1000)
  await db.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
