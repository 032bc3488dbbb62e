// The damage drill, short: `npm run damage` has the long one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../support/random'
import { PAGES, unlessSealed } from '../support/sealed'
import { drill } from './damage'

const DOCUMENTS = 2_000
const ROUNDS = 40

test(
  'random damage is noticed, and repair gives back what was not hit',
  unlessSealed(PAGES),
  async (t) => {
    t.diagnostic(`LODESTORE_SEED=${seed}`)
    const tally = await drill({ documents: DOCUMENTS, rounds: ROUNDS, seed })
    t.diagnostic(JSON.stringify(tally))
    assert.equal(tally.rounds, ROUNDS)
  },
)

test('and of an encrypted database', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const tally = await drill({ documents: DOCUMENTS, rounds: ROUNDS, seed, isSealed: true })
  t.diagnostic(JSON.stringify(tally))
  assert.equal(tally.rounds, ROUNDS)
})
