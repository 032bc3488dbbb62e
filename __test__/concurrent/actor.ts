/** A user of a shared database: a thread or a process, or the thread of the test. */

import { open } from '../../index.js'
import { checkModel } from '../model/check'
import { Random } from '../support/random'
import { serve } from '../support/serve'
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

serve(module, act)
