// Timers run while code awaits one thing after the other that is there at once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, temporaryDatabase } from '../support/database'

const COUNT = 400
const STEP_MS = 0.5

/** How often the event loop turns while something runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let ended = false
  const turn = (): void => {
    if (ended) return
    turns++
    setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  ended = true
  return turns
}

/** Computes for a while, as a program does with each row. */
function step(): void {
  const until = performance.now() + STEP_MS
  while (performance.now() < until);
}

async function consume(rows: AsyncIterable<unknown>): Promise<void> {
  const iterator = rows[Symbol.asyncIterator]()
  while (!(await iterator.next()).done) step()
}

function* slowly(): Generator<object> {
  for (const document of documents(COUNT)) {
    step()
    yield document
  }
}

const loops: Record<string, (store: any) => Promise<unknown>> = {
  async scan(store) {
    await consume(store.range())
  },
  async cursor(store) {
    await consume(store.openCursor())
  },
  putMany: (store) => store.putMany(slowly()),
  async get(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.get(i)
      step()
    }
  },
  async has(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.has(i)
      step()
    }
  },
  async getAll(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.getAll(i)
      step()
    }
  },
  async getMany(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.getMany([i])
      step()
    }
  },
  async getKey(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.getKey(i)
      step()
    }
  },
  async count(store) {
    for (let i = 0; i < COUNT; i++) {
      await store.count(i)
      step()
    }
  },
}

for (const [name, loop] of Object.entries(loops)) {
  test(`${name}: the event loop turns`, async (t) => {
    const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'id' } } })
    await db.store('s').putMany(documents(COUNT))
    const turns = await turnsDuring(() => loop(db.store('s')))
    // All of it computes for 200 ms; a slice lasts 4 ms, and may end late.
    assert.ok(turns >= 12, `${turns} turns`)
  })
}

test('scans side by side share the time of a turn, and all go on', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'id' } } })
  await db.store('s').putMany(documents(COUNT))
  const ended: number[] = []
  const scan = async (i: number): Promise<void> => {
    await consume(db.store('s').range({ limit: 100 }))
    ended.push(i)
  }
  const turns = await turnsDuring(() => Promise.all([0, 1, 2, 3].map(scan)))
  assert.ok(turns >= 12, `${turns} turns`)
  assert.deepEqual(ended.toSorted(), [0, 1, 2, 3])
})
