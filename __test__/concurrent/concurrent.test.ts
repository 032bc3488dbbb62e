import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../support/random'
import { workTogether } from './together'

const SHORT = { operations: 1500, steps: 120 }

const users = {
  '3 threads and the main one': { threads: 3, processes: 0 },
  '2 processes, a thread and the main one': { threads: 1, processes: 2 },
}

for (const [name, kinds] of Object.entries(users)) {
  test(`${name} on one database (LODESTORE_SEED=${seed})`, async (t) => {
    const seen = await workTogether({ seed, ...kinds, ...SHORT })
    t.diagnostic(JSON.stringify(seen))
    assert.ok(seen.transactions! > 30 && seen.reads! > 30)
  })
}
