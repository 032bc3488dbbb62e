// Random writes and searches by several users at once, compared with brute force.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { inProcess, inThread } from '../support/elsewhere'
import { seed } from '../support/random'
import { STORES, act, type Order } from './actor'

const STEPS = 60 * Number(process.env.LODESTORE_TIMES ?? 1)
const ACTOR = join(__dirname, 'actor.ts')

type User = (order: Order) => Promise<number>

const here: User = act
const thread: User = (order) => inThread(ACTOR, order)
const otherProcess: User = (order) => inProcess(ACTOR, order)

for (const [name, users] of [
  ['one user', [here]],
  ['a thread, two processes and the main thread', [here, thread, otherProcess, otherProcess]],
] as const) {
  test(`${name}: searches find what is there (LODESTORE_SEED=${seed})`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    const db = await open(path, { stores: STORES, durability: 'relaxed' })
    t.after(() => db.close())
    const orders = users.map((_, i) => ({ path, seed: seed + i, steps: STEPS }))
    const searches = await Promise.all(users.map((user, i) => user(orders[i]!)))
    for (const count of searches) assert.ok(count > 50, `${count}`)
    const report = await db.verify({ level: 'full' })
    assert.deepEqual(report.findings, [])
  })
}
