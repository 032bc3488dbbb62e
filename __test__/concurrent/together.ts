/** Several users of one database at once: threads, processes and the test's own thread. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { assertConsistent, checkDatabase } from '../support/check'
import { Child } from '../support/child'
import { act, type Order } from './actor'
import { STORES } from './contend'
import { checkHistory, type Report } from './history'

const ACTOR = join(__dirname, 'actor.ts')

interface Said {
  report?: Report
  failure?: string
}

async function inThread(order: Order): Promise<Said> {
  const workerData = { file: ACTOR, order }
  const worker = new Worker(join(__dirname, '..', 'support', 'thread.mjs'), {
    workerData,
    execArgv: [],
  })
  const [said] = await once(worker, 'message')
  await worker.terminate()
  return said
}

async function inProcess(order: Order): Promise<Said> {
  const child = new Child(ACTOR)
  child.say(order)
  try {
    const said = await child.next<Said>()
    child.process.stdin!.end()
    const { code, signal, stderr } = await child.ended
    assert.equal(code, 0, `${signal} ${stderr}`)
    return said
  } finally {
    child.process.kill('SIGKILL')
  }
}

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
    ...Array.from({ length: threads }, () => inThread),
    ...Array.from({ length: processes }, () => inProcess),
    async (order: Order): Promise<Said> => ({ report: await act(order) }),
  ]
  const names = kinds.map((_, i) => `user ${i}`)
  const orders = names.map((name, i) => {
    const backups = mkdtempSync(join(directory, 'backups-'))
    return { path, backups, name, names, seed: seed + i, operations, steps }
  })
  const said = await Promise.all(kinds.map((run, i) => run(orders[i]!)))
  const reports = said.map(({ report, failure }, i) => {
    if (report === undefined) throw new Error(`LODESTORE_SEED=${seed}, ${names[i]}: ${failure}`)
    return report
  })
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
