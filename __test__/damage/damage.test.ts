// The damage drill, short: `npm run damage` has the long one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../support/random'
import { drill } from './damage'

const DOCUMENTS = 2_000
const ROUNDS = 40

test('random damage is noticed, and repair gives back what was not hit', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const tally = await drill({ documents: DOCUMENTS, rounds: ROUNDS, seed })
  t.diagnostic(JSON.stringify(tally))
  assert.equal(tally.rounds, ROUNDS)
})
