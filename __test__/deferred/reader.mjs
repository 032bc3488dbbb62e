/** A thread that reads what it is asked for. */

import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

const { open } = createRequire(import.meta.url)('../../index.js')

const db = await open(workerData.path)
parentPort.on('message', async (id) => {
  if (id === null) {
    await db.close()
    process.exit()
  }
  parentPort.postMessage(await db.store('s').get(id))
})
parentPort.postMessage('ready')
