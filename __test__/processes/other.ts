/** A process beside the one of the test; it does what it is told. */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'

const [path] = process.argv.slice(2)

let db: any
let held: any

const orders: Record<string, (...args: any[]) => unknown> = {
  put: (document) => db.store('s').put(document),
  get: (key) => db.store('s').get(key),
  count: () => db.store('s').count(),
  storeNames: () => db.storeNames,
  createStore: (name, options = { keyPath: 'id' }) =>
    db.createObjectStore(name, options).then(() => undefined),
  createIndex: (...args) => db.createIndex(...args),
  deleteStore: (name) => db.deleteObjectStore(name),
  clear: (name) => db.store(name).clear(),

  async putTwice(name) {
    await db.store(name).put({ id: 'one', b: 1 })
    await db.store(name).put({ id: 'two', b: 1 })
  },

  async write(times) {
    for (let i = 0; i < times; i++) {
      await db.transaction(async (tx: any) => {
        const n = (await tx.store('counters').get('n')) ?? 0
        await tx.store('counters').put(n + 1, 'n')
      })
      await db.store('s').put({ id: 100 + i, from: 'other' })
    }
  },

  /** Leaves a transaction open that has written, which holds the lock of all writers. */
  async hold() {
    held = await db.begin({ timeout: 0, idleTimeout: 0 })
    await held.store('s').put({ id: 'held', from: 'other' })
  },

  release: () => held.rollback(),

  async snapshot() {
    held = await db.snapshot()
    await held.store('s').count()
  },

  async reopen(times) {
    await db.close()
    for (let i = 0; i < times; i++) {
      db = await open(path!, { durability: 'none' })
      await db.store('s').put({ id: 1000 + i, from: 'other' })
      if (i < times - 1) await db.close()
    }
  },
}

async function main(): Promise<void> {
  db = await open(path!)
  say({ ready: true })
  for (;;) {
    const { order, args } = await heard()
    if (order === 'end') break
    try {
      say({ result: (await orders[order]!(...args)) ?? null })
    } catch (error) {
      const { message, code } = error as { message: string; code: string }
      say({ failure: { message, code } })
    }
  }
  await db.close()
}

void main()
