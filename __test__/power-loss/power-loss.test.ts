import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { noPreload } from '../support/preload'
import { seed } from '../support/random'
import { Lost, powerLoss } from './run'

const skip = noPreload()
const STATES = 120

for (const durability of ['strict', 'relaxed', 'none'] as const) {
  test(
    `${durability} commits survive power failures (LODESTORE_SEED=${seed})`,
    { skip },
    async () => {
      const tally = await powerLoss({ seed, durability, steps: 50, states: STATES })
      assert.equal(tally.states, STATES)
      if (durability === 'none') assert.ok(tally.noticed + tally.damaged > STATES / 3)
    },
  )
}

test('a sync that is left out is found', { skip }, async () => {
  const rules = 'skip data-sync 1+;skip journal-sync 1+'
  const lost = powerLoss({ seed, durability: 'strict', steps: 50, states: STATES, rules })
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof Lost, String(error))
    rmSync(dirname(error.log), { recursive: true })
    return true
  })
})
