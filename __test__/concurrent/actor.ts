/** A user of a shared database: a thread or a process, or the thread of the test. */

/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { open } from '../../index.js'
import { checkModel } from '../model/check'
import { heard, say } from '../support/parent'
import { Random } from '../support/random'
import { Contender } from './contend'
import type { Report } from './history'
import { openPrefixed } from './prefixed'

/** What a user is to do. */
export interface Order {
  path: string
  /** Where it may leave files. */
  backups: string
  name: string
  /** All users. */
  names: string[]
  seed: number
  /** Operations that are compared with the model. */
  operations: number
  /** Steps with what all share. */
  steps: number
}

/** Uses the database, in its own stores and in those of all. @throws what is wrong */
export async function act(order: Order): Promise<Report> {
  const { path, backups, name, names, seed, operations, steps } = order
  const db = await open(path, { durability: 'relaxed', busyTimeout: 120_000 })
  const contender = new Contender(db, new Random(seed), name, names)
  const contend = async (): Promise<void> => {
    for (let i = 0; i < steps; i++) await contender.step()
  }
  const shared = { directory: path, open: openPrefixed(`${name}: `), backups }
  await Promise.all([contend(), checkModel({ seed, operations, shared })])
  await db.close()
  return contender.report
}

async function outcome(order: Order): Promise<{ report?: Report; failure?: string }> {
  try {
    return { report: await act(order) }
  } catch (error) {
    return { failure: error instanceof Error ? `${error.stack}` : String(error) }
  }
}

if (!isMainThread && workerData?.order !== undefined) {
  void outcome(workerData.order).then((said) => parentPort!.postMessage(said))
} else if (require.main === module) {
  void heard().then(async (order) => say(await outcome(order)))
}
