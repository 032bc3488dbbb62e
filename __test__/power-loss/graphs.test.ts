// Files of graphs, and power failures.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { noPreload } from '../support/preload'
import { seed } from '../support/random'
import { graphPowerLoss } from './graphs'
import { Lost } from './run'

const skip = noPreload()
const STATES = 30

for (const [durability, isSealed] of [
  ['strict', false],
  ['relaxed', true],
] as const) {
  const how = isSealed ? `${durability}, encrypted` : durability
  const name = `after power failures, ${how}, graphs are whole (LODESTORE_SEED=${seed})`
  test(name, { skip }, async (t) => {
    const tally = await graphPowerLoss({ seed, durability, isSealed, rounds: 3, states: STATES })
    t.diagnostic(JSON.stringify(tally))
    assert.ok(tally.read > STATES / 3)
  })
}

test('a graph that was not synced is found', { skip }, async () => {
  const options = { seed, durability: 'strict' as const, rounds: 3, states: STATES }
  const lost = graphPowerLoss({ ...options, rules: 'skip other-sync 1+' })
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof Lost, String(error))
    rmSync(dirname(error.log), { recursive: true })
    return true
  })
})
