// Random writes and searches by graphs, by several users at once, compared with brute force.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { inProcess, inThread } from '../support/elsewhere'
import { Random, seed } from '../support/random'
import { INDEXES, KEYS, STORES, act, documentOf, vectorOf, type Tally } from './graph-actor'
import type { Order } from './actor'
import { isBuilt } from './graphs'

const STEPS = 15 * Number(process.env.LODESTORE_TIMES ?? 1)
const ACTOR = join(__dirname, 'graph-actor.ts')

test(`searches by graphs find what is there (LODESTORE_SEED=${seed})`, async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = await open(path, { stores: STORES, durability: 'relaxed' })
  t.after(() => db.close())
  const random = new Random(seed)
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: KEYS }, (_, id) => documentOf(random, id)))
  for (const index of INDEXES) await isBuilt(docs, index, vectorOf(random))
  const users: ((order: Order) => Promise<Tally>)[] = [
    act,
    (order) => inThread(ACTOR, order),
    (order) => inProcess(ACTOR, order),
  ]
  const orders = users.map((_, i) => ({ path, seed: seed + i, steps: STEPS }))
  const tallies = await Promise.all(users.map((user, i) => user(orders[i]!)))
  const sum = (name: keyof Tally) => tallies.reduce((total, tally) => total + tally[name], 0)
  assert.ok(sum('byGraph') * 3 > sum('searches'), `${sum('byGraph')} of ${sum('searches')}`)
  const recall = sum('found') / sum('wanted')
  assert.ok(recall >= 0.98, `${recall}`)
  const report = await db.verify({ level: 'full' })
  assert.deepEqual(report.findings, [])
})
