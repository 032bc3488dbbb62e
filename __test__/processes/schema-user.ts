/** A process that reads and writes while another one changes stores and indexes. */

import { isDeepStrictEqual } from 'node:util'
import { open } from '../../index.js'
import { heard, say } from '../support/parent'
import { Random } from '../support/random'

/** What a store that is being replaced by another process may say. */
const GONE = ['STORE_NOT_FOUND', 'INDEX_NOT_FOUND', 'INDEX_NOT_READY']
/** In a store, every document is of the generation that this one names. */
const MARK = 0

class Wrong extends Error {}

/** Checks documents that were read of one state of one store. */
function checkRows(how: string, rows: { id: number; generation: number }[]): void {
  const generations = new Set(rows.map(({ generation }) => generation))
  if (generations.size > 1) throw new Wrong(`${how} saw the generations ${[...generations]}`)
}

const steps: Record<string, (db: any, name: string, random: Random) => Promise<unknown>> = {
  write: (db, name, random) =>
    db.transaction(async (tx: any) => {
      const mark = await tx.store(name).get(MARK)
      if (mark === undefined) throw new Wrong(`${name} has no mark`)
      const { generation } = mark
      const ids = random.list(random.between(1, 9), () => random.between(1, 200))
      // Field names that others know or do not know yet.
      const field = `field ${random.below(100)}`
      await Promise.all(ids.map((id) => tx.store(name).put({ id, generation, [field]: 1 })))
      await tx.store(name).delete(random.between(1, 200))
    }),
  getAll: async (db, name) => checkRows('getAll', await db.store(name).getAll()),
  range: async (db, name) => {
    const rows = []
    for await (const row of db.store(name).range({ reverse: true })) rows.push(row)
    checkRows('range', rows)
  },
  cursor: async (db, name) => {
    const cursor = db.store(name).openCursor()
    const rows = []
    try {
      while (await cursor.next()) rows.push(cursor.value)
    } finally {
      await cursor.close()
    }
    checkRows('a cursor', rows)
  },
  getMany: async (db, name) => {
    const rows = await db.store(name).getMany(Array.from({ length: 200 }, (_, id) => id))
    checkRows(
      'getMany',
      rows.filter((row: unknown) => row !== undefined),
    )
  },
  async snapshot(db, name) {
    const snapshot = await db.snapshot()
    try {
      const store = snapshot.store(name)
      const rows: any[] = await store.getAll()
      checkRows('a snapshot', rows)
      if ((await store.count()) !== rows.length) throw new Wrong('a snapshot counts wrongly')
      for (const indexName of store.indexNames) {
        if (store.index(indexName).state !== 'ready') continue
        const found = await store.index(indexName).getAllKeys()
        const keys = rows.map(({ id }) => id)
        if (!isDeepStrictEqual(found, keys)) throw new Wrong(`${indexName}: ${found}, not ${keys}`)
      }
    } finally {
      snapshot.close()
    }
  },
  index: async (db, name) => {
    const [indexName] = db.store(name).indexNames
    if (indexName !== undefined)
      checkRows('an index', await db.store(name).index(indexName).getAll())
  },
}

/** The stores and their indexes. */
function look(db: any): Record<string, string[]> {
  return Object.fromEntries(db.storeNames.map((name: string) => [name, db.store(name).indexNames]))
}

async function main(): Promise<void> {
  const { path, seed, names } = await heard()
  const random = new Random(seed)
  const db = (await open(path, { durability: 'relaxed', busyTimeout: 60_000 })) as any
  const counts = { done: 0, gone: 0 }
  const ending = new AbortController()
  const listen = async (): Promise<void> => {
    for (;;) {
      const order = await heard()
      if (order === 'end') break
      say({ seen: look(db) })
    }
    ending.abort()
  }
  const work = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const step = steps[random.pick(Object.keys(steps))]!
      try {
        await step(db, random.pick(names), random)
        counts.done++
      } catch (error) {
        if (!GONE.includes((error as { code: string }).code)) throw error
        counts.gone++
      }
      await new Promise(setImmediate)
    }
  }
  say({ ready: true })
  await Promise.all([listen(), work()])
  await db.close()
  say({ counts })
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
