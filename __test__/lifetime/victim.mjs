/** A thread that makes one kind of call again and again, until it is terminated in one. */

/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

const require = createRequire(import.meta.url)
const { open } = require('../../index.js')
const { callsOf } = require('./calls.js')

const { path, call, name } = workerData
const db = await open(path, { durability: 'relaxed', busyTimeout: 60_000 })
const make = callsOf(open, path, name)[call]
for (let i = 0; ; i++) {
  parentPort.postMessage(i)
  await make(db, i)
  // Deno ends a thread only when its event loop turns.
  if (process.versions.deno !== undefined) await new Promise(setImmediate)
}
