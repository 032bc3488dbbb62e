/** Opens a database, begins to read every kind of query, says so, and waits for its end. */

import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { beginReading } from './reading.mjs'

const { open } = createRequire(import.meta.url)('../../index.js')
const db = await open(workerData)
globalThis.kept = await beginReading(db)
// Without it the thread would end by itself, and what it holds with it.
parentPort.on('message', () => {})
const { queries } = await db.stats()
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origins
parentPort.postMessage(queries)
