import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPreload } from '../support/preload'
import { Random, seed } from '../support/random'
import { ioFaults } from './run'

const skip = noPreload()
const FAULTS = 40

test(`calls that fail are told, and do no harm (LODESTORE_SEED=${seed})`, { skip }, async () => {
  const sample = { count: FAULTS, random: new Random(seed) }
  const durability = sample.random.pick(['strict', 'relaxed'] as const)
  const isSealed = sample.random.chance(0.5)
  const { faults, failed } = await ioFaults({ durability, isSealed, sample })
  assert.equal(faults, FAULTS)
  // Some calls may fail unnoticed: a read that is tried again, a leftover that stays.
  assert.ok(failed > FAULTS / 2, `only ${failed} of ${faults} made an operation fail`)
})
