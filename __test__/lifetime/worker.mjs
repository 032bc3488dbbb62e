/** What worker threads of the tests do. */

/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'

const { open } = createRequire(import.meta.url)('../../index.js')
const { path, work, name } = workerData

const document = (i) => ({ id: `${name} ${i}`, from: name, tags: ['t', i % 7, `${i}`] })

async function increment(db) {
  await db.transaction(async (tx) => {
    const n = (await tx.store('counters').get('n')) ?? 0
    await tx.savepoint(async (inner) => inner.store('counters').put(n + 1, 'n'))
  })
}

/** Lets the thread end. Deno's port has no `close`. */
function stopListening() {
  if (parentPort.close !== undefined) parentPort.close()
  else process.exit()
}

/** Goes on until it is terminated; says something now and then. */
async function forever(step) {
  for (let i = 0; ; i++) {
    await step(i)
    parentPort.postMessage(i)
  }
}

async function put(db, i) {
  const ids = Array.from({ length: 20 }, (_, n) => (i * 20 + n) % 300)
  await Promise.all(ids.map((n) => db.store('shared').put(document(n))))
}

async function scan(db, i) {
  if (i === 0) await db.store('shared').putMany(Array.from({ length: 2000 }, (_, n) => document(n)))
  const rows = []
  for await (const row of db.store('shared').index('byTag').range()) rows.push(row)
  const cursor = db.store('shared').openCursor()
  await cursor.next()
  await Promise.all([db.store('shared').getAll(), db.store('shared').index('byFrom').count(name)])
}

const works = {
  async write(db) {
    const documents = Array.from({ length: 200 }, (_, i) => document(i))
    await Promise.all(documents.map((each) => db.store('shared').put(each)))
    await db.close()
    parentPort.postMessage(documents.length)
  },

  async increment(db) {
    for (let i = 0; i < 50; i++) await increment(db)
    await db.close()
    parentPort.postMessage('done')
  },

  async echo(db) {
    // Deno drops what arrives while nobody listens.
    parentPort.postMessage('listening')
    for (;;) {
      const [i] = await once(parentPort, 'message')
      if (i === 'end') break
      await db.store('counters').put({ i, [`extra ${i % 3}`]: i, name: `shape ${i}` }, 'echo')
      parentPort.postMessage(i)
    }
    await db.close()
    stopListening()
  },

  async schema(db) {
    await db.createObjectStore('made', { keyPath: 'id' })
    await db.store('made').put({ id: 1, a: 1 })
    await db.createIndex('made', 'byA', 'a')
    parentPort.postMessage('made')
    await once(parentPort, 'message')
    const renamed = db.storeNames.find((each) => each.startsWith('r'))
    await db.deleteObjectStore(renamed)
    parentPort.postMessage(renamed)
    await db.close()
    stopListening()
  },

  async leave(db) {
    await db.store('shared').put(document(1))
    await db.snapshot()
    const tx = await db.begin()
    await tx.store('shared').put(document(2))
  },

  puts: (db) => forever((i) => put(db, i)),
  scans: (db) => forever((i) => scan(db, i)),
  transactions: (db) => forever(() => increment(db)),

  opens: () =>
    forever(async () => {
      const another = await open(path)
      await another.store('counters').get('n')
      void another.store('counters').put(1, name)
      await another.close()
    }),

  async indexes(db) {
    await db.store('shared').putMany(Array.from({ length: 3000 }, (_, n) => document(n)))
    await forever(async () => {
      await db.createIndex('shared', name, 'from')
      await db.deleteIndex('shared', name)
    })
  },

  async build(db) {
    const onProgress = ({ done }) => {
      if (done > 0) parentPort.postMessage('building')
    }
    await db.createIndex('shared', 'built', 'tags', { multiEntry: true, onProgress })
    parentPort.postMessage('built')
  },

  backups: (db) => forever((i) => db.backup(join(path, `${name} ${i}`))),

  everything: (db) =>
    forever(async (i) => {
      await Promise.all([put(db, i), scan(db, i), increment(db), db.flush(), db.stats()])
    }),
}

const db = await open(path, { durability: 'relaxed' })
await works[work](db)
