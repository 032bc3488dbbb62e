// Damages a database at random, again and again: `verify` must notice, nothing may crash, and
// `repair` must give back every document that was not hit, and report the others.
//
//   node --import tsx scripts/damage.mjs [--rounds 1000] [--docs 100000] [--sealed]
//
// LODESTORE_SEED repeats a run from that seed on.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { drill } = require('../__test__/damage/damage.ts')
const { seed } = require('../__test__/support/random.ts')

const options = {
  rounds: { type: 'string', default: '1000' },
  docs: { type: 'string', default: '100000' },
  sealed: { type: 'boolean', default: false },
}
const { values } = parseArgs({ options })
const rounds = Number(values.rounds)

console.log(`LODESTORE_SEED=${seed}`)
const onRound = (round) => {
  if (round % 50 === 0) console.log(`round ${round} of ${rounds}`)
}
const documents = Number(values.docs)
const tally = await drill({ documents, rounds, seed, onRound, isSealed: values.sealed })
console.log(JSON.stringify(tally))
