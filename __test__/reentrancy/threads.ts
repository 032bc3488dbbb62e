/** Calls in another thread than the one that opened the database, and at the end of a process. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { runChild } from '../support/child'
import { ON_DATABASE, type Situation } from './contexts'
import type { Probe } from './probe'
import { ROWS } from './rows'
import { commitNew, openOld } from './state'
import type { Task } from './worker'

/** The worker of all calls, while there are any to make. */
let worker: Worker | null = null

async function inWorker(probes: readonly Probe[], directory: string): Promise<string[]> {
  worker ??= new Worker(join(__dirname, 'worker.mjs'))
  const path = join(directory, 'database')
  const db = await openOld(path)
  if (probes.some(({ row }) => row.method === 'deleteSpace')) {
    await (await openOld(path, { space: 'space' })).close()
  }
  const task: Task = {
    path,
    target: join(directory, 'target'),
    cells: probes.map(({ row, expected }) => [ROWS.indexOf(row), expected]),
  }
  worker.postMessage(task)
  const [request] = await once(worker, 'message')
  assert.equal(request, 'commit')
  await commitNew(db)
  worker.postMessage('committed')
  const [words] = await once(worker, 'message')
  await db.close()
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  return words
}

/** Ends the worker. */
export async function endWorker(): Promise<void> {
  await worker?.terminate()
  worker = null
}

/** What calls in an exit handler came to, by class and method. */
async function atExit(directory: string): Promise<Map<string, string>> {
  const { said, code, stderr } = await runChild(join(__dirname, 'exit.ts'), [directory])
  assert.equal(code, 0, stderr)
  // Whatever was on its way, the databases are whole. Beside them are copies, whole or cut off.
  for (const name of await readdir(directory)) {
    if (/^\.?target/.test(name)) continue
    const db: any = await open(join(directory, name), { mode: 'open' })
    const rows = await db.store('s').getAll()
    assert.equal(rows.length, await db.store('s').count())
    await db.close()
  }
  return new Map<string, string>(said)
}

export const THREADS: readonly Situation[] = [
  { name: 'worker', classes: ON_DATABASE, run: inWorker },
  {
    name: 'exit',
    classes: ON_DATABASE,
    inert: true,
    async run(probes, directory) {
      const words = await atExit(directory)
      await rm(directory, { recursive: true, force: true, maxRetries: 3 })
      return probes.map(({ row }) => words.get(`${row.of}.${row.method}`) ?? 'not called')
    },
  },
]
