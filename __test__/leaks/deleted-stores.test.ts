import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Database } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { collectGarbage } from '../support/runtime'

const WARM_UP = 20
const STORES = 150
/** Per store that was deleted, in bytes; what was known of its shapes took some 30,000. */
const MAX_LEFT = 6000

/** Documents of several shapes, each often enough to be registered. */
const varied = Array.from({ length: 50 }, (_, i) => {
  const names = Array.from({ length: 20 }, (__, field) => `field ${field} of ${i % 10}`)
  return Object.fromEntries(names.map((name) => [name, i]))
})

async function makeAndDelete(db: Database, i: number): Promise<void> {
  const store = await db.createObjectStore(`made ${i}`, { autoIncrement: true })
  await store.putMany(varied)
  await store.getAll()
  await db.deleteObjectStore(`made ${i}`)
}

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await setImmediate()
  }
  return process.memoryUsage().heapUsed
}

test('nothing is kept of stores that were deleted', async (t) => {
  const db = await temporaryDatabase(t)
  for (let i = 0; i < WARM_UP; i++) await makeAndDelete(db, i)
  const before = await heapUsed()
  for (let i = 0; i < STORES; i++) await makeAndDelete(db, WARM_UP + i)
  const left = ((await heapUsed()) - before) / STORES
  t.diagnostic(`${left.toFixed(0)} bytes for each store`)
  assert.ok(left < MAX_LEFT, `${left.toFixed(0)} bytes are left of each store`)
})
