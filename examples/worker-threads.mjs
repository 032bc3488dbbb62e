/** Several threads open the same path and share one database. */

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { open } from 'lodestore'

const WORKERS = 3
const EACH = 1000

/** What each thread does: open, write, close. */
async function work(path, number) {
  const db = await open(path)
  const rows = Array.from({ length: EACH }, (_, i) => ({ worker: number, i }))
  await db.store('rows').putMany(rows)
  await db.close()
}

async function main() {
  const path = './data/worker-threads'
  const db = await open(path, {
    stores: { rows: { autoIncrement: true, indexes: { byWorker: { on: 'worker' } } } },
  })
  await db.store('rows').clear()
  const workers = Array.from(
    { length: WORKERS },
    (_, number) => new Worker(fileURLToPath(import.meta.url), { workerData: { path, number } }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  // A read that begins after an acknowledged write sees it, whichever thread made it.
  console.log('rows:', await db.store('rows').count())
  console.log('of worker 1:', await db.store('rows').index('byWorker').count(1))
  await db.close()
}

await (isMainThread ? main() : work(workerData.path, workerData.number))
