// Random writes and searches by several users at once, compared with brute force.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { seed } from '../support/random'
import { STORES, act, type Order } from './actor'

const STEPS = 60 * Number(process.env.LODESTORE_TIMES ?? 1)
const ACTOR = join(__dirname, 'actor.ts')
const THREAD = join(__dirname, '..', 'support', 'thread.mjs')

interface Said {
  searches?: number
  failure?: string
}

async function inThread(order: Order): Promise<Said> {
  const worker = new Worker(THREAD, { workerData: { file: ACTOR, order }, execArgv: [] })
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

const here = async (order: Order): Promise<Said> => ({ searches: await act(order) })

for (const [name, users] of [
  ['one user', [here]],
  ['a thread, two processes and the main thread', [here, inThread, inProcess, inProcess]],
] as const) {
  test(`${name}: searches find what is there (LODESTORE_SEED=${seed})`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    const db = await open(path, { stores: STORES, durability: 'relaxed' })
    t.after(() => db.close())
    const orders = users.map((_, i) => ({ path, seed: seed + i, steps: STEPS }))
    const said = await Promise.all(users.map((run, i) => run(orders[i]!)))
    for (const { searches, failure } of said) {
      assert.equal(failure, undefined, `LODESTORE_SEED=${seed}: ${failure}`)
      assert.ok(searches! > 50, `${searches}`)
    }
    const report = await db.verify({ level: 'full' })
    assert.deepEqual(report.findings, [])
  })
}
