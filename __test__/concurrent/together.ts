/** Several users of one database at once: threads, processes and the test's own thread. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../../index.js'
import { assertConsistent, checkDatabase } from '../support/check'
import { inProcess, inThread } from '../support/elsewhere'
import { act, type Order } from './actor'
import { STORES } from './contend'
import { checkHistory, type Report } from './history'

const ACTOR = join(__dirname, 'actor.ts')

/** Who uses the database, and how much. */
export interface Options {
  seed: number
  threads: number
  processes: number
  /** Operations of each user that are compared with a model. */
  operations: number
  /** Steps of each user with what all share. */
  steps: number
}

/** @returns what there was to check @throws what is wrong */
export async function workTogether(options: Options): Promise<Record<string, number>> {
  const { seed, threads, processes, operations, steps } = options
  const directory = mkdtempSync(join(tmpdir(), 'lodestore-test-'))
  const path = join(directory, 'data')
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  const kinds = [
    ...Array.from({ length: threads }, () => (order: Order) => inThread<Report>(ACTOR, order)),
    ...Array.from({ length: processes }, () => (order: Order) => inProcess<Report>(ACTOR, order)),
    act,
  ]
  const names = kinds.map((_, i) => `user ${i}`)
  const orders = names.map((name, i) => {
    const backups = mkdtempSync(join(directory, 'backups-'))
    return { path, backups, name, names, seed: seed + i, operations, steps }
  })
  const reports = await Promise.all(
    kinds.map((run, i) =>
      run(orders[i]!).catch((cause: unknown) => {
        throw new Error(`LODESTORE_SEED=${seed}, ${names[i]}`, { cause })
      }),
    ),
  )
  const history = await db.store('history').getAll()
  checkHistory(reports, history)
  const numbers = reports.flatMap((report) => report.numbers)
  const claims = numbers.filter(({ register }) => register === 'claims').map((each) => each.number)
  assert.deepEqual(
    claims.toSorted((a, b) => a - b),
    await db.store('claims').getAllKeys(),
  )
  await assertConsistent(db)
  await db.close()
  await checkDatabase(path)
  rmSync(directory, { recursive: true })
  const reads = reports.reduce((sum, report) => sum + report.reads.length, 0)
  return { transactions: history.length, reads, numbers: numbers.length }
}
