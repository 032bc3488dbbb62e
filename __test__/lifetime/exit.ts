/** A process that ends in the middle of something. */

import { join } from 'node:path'
import { open } from '../../index.js'
import { collect } from '../support/database'
import { say } from '../support/parent'

const scenarios: Record<string, (db: any, path: string) => Promise<unknown> | void> = {
  async idle(db) {
    await db.store('s').put('written', 1)
    await db.store('s').range()[Symbol.asyncIterator]().next()
    const cursor = db.store('s').openCursor()
    await cursor.next()
    await db.snapshot()
    await db.begin({ mode: 'readonly' })
    await open(':memory:')
  },

  pending(db) {
    const puts = Array.from({ length: 500 }, (_, i) => db.store('s').put(i, i))
    void Promise.all(puts).then((keys) => say({ acknowledged: keys.length }))
  },

  transaction(db) {
    void db.transaction(async (tx: any) => {
      for (const i of [1, 2, 3]) await tx.store('s').put(i, i)
    })
  },

  async reads(db) {
    await fill(db)
    void Promise.all([db.store('s').getAll(), count(db.store('s').range())]).then(
      ([rows, iterated]) => say({ read: rows.length, iterated }),
    )
  },

  close(db) {
    for (let i = 0; i < 500; i++) void db.store('s').put(i, i)
    void db.close()
  },

  async backup(db, path) {
    await fill(db)
    void db.backup(join(path, 'copy')).then(() => say({ copied: true }))
  },

  async abandoned(db) {
    await db.store('s').put('written', 1)
    const tx = await db.begin()
    await tx.store('s').put('not committed', 2)
  },

  async exit(db) {
    await busy(db)
    process.exit(0)
  },

  async throw(db) {
    await busy(db)
    setImmediate(() => {
      throw new Error('thrown on purpose')
    })
  },
}

async function fill(db: any): Promise<void> {
  const text = 'x'.repeat(300)
  await db.store('s').putMany(
    Array.from({ length: 3000 }, (_, i) => [i, { i, text }]),
    { entries: true },
  )
}

async function count(rows: AsyncIterable<unknown>): Promise<number> {
  return (await collect(rows)).length
}

/** Has everything under way that can be. */
async function busy(db: any): Promise<void> {
  await fill(db)
  await db.store('s').put('written', -1)
  const ignore = (promise: Promise<unknown>): unknown => promise.catch(() => {})
  for (let i = 0; i < 100; i++) ignore(db.store('s').put({ i }, i))
  ignore(db.store('s').getAll())
  ignore(count(db.store('s').range()))
  ignore(db.createIndex('s', 'byText', 'text'))
  ignore(db.backup(join(db.path, 'unfinished')))
  ignore(
    db.transaction(async (tx: any) =>
      tx
        .store('s')
        .clear()
        .then(() => tx.store('s').put('written', -1)),
    ),
  )
}

async function main(): Promise<void> {
  const [path, scenario] = process.argv.slice(2)
  const db = await open(path!, { stores: { s: {} } })
  await scenarios[scenario!]!(db, path!)
}

void main()
