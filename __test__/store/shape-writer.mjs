/** A thread that writes documents of a new shape each time it is told to, while others wait. */

import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

const { open } = createRequire(import.meta.url)('../../index.js')

const { path, rounds, signals } = workerData
const db = await open(path)
parentPort.postMessage('ready')
for (let round = 1; round <= rounds; round++) {
  Atomics.wait(signals, 0, round - 1)
  const documents = Array.from({ length: 100 }, (_, i) => ({ id: round, [`field ${round}`]: i }))
  await db.store('a').putMany(documents)
  Atomics.store(signals, 1, round)
  Atomics.notify(signals, 1)
}
await db.close()
