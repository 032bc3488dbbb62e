/** A worker thread that makes calls on a database that another thread has open. */

import { once } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { open } from '../../index.js'
import { wordOf } from './contexts'
import { objectsOf } from './objects'
import { Probe } from './probe'
import { ROWS } from './rows'

/** What the worker is asked to do. */
export interface Task {
  path: string
  target: string
  /** Rows by their position, and what the table says of them. */
  cells: [row: number, expected: string | undefined][]
}

async function work({ path, target, cells }: Task): Promise<string[]> {
  const db: any = await open(path, { durability: 'none' } as object)
  const probes = cells.map(([row, expected]) => new Probe(ROWS[row]!, expected))
  const objects: any[] = []
  for (const [i, { row }] of probes.entries()) {
    objects.push({ ...(await objectsOf(row.of, db, `${target} ${i}`)), Database: db })
  }
  parentPort!.postMessage('commit')
  await once(parentPort!, 'message')
  for (const [i, probe] of probes.entries()) probe.start(() => probe.row.call(objects[i]))
  const words: string[] = []
  for (const probe of probes) words.push(await wordOf(probe, db))
  await db.close()
  return words
}

// A failure ends the worker, and with it the test.
parentPort?.on('message', (message) => {
  if (message !== 'committed') void work(message).then((words) => parentPort!.postMessage(words))
})
