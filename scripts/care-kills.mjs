// Kills processes that care for databases, plain and encrypted ones, at random moments and at
// named points, and checks what is there afterwards: changePassphrase, rotateKey, encrypt, decrypt,
// backup, restore, compact, importFrom, repair.
//
//   node --import tsx scripts/care-kills.mjs [--rounds 500]

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { ensureFaultLibrary, faultLibraryPath, whyNoFaultLibrary } from './lib/fault-library.mjs'

const require = createRequire(import.meta.url)
const { killCare } = require('../__test__/care-kills/kills.ts')
const { seed } = require('../__test__/support/random.ts')

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '500' } } })
const rounds = Number(values.rounds)
const reason = whyNoFaultLibrary()
if (reason === undefined) ensureFaultLibrary()
else console.log(`at random moments only: ${reason}`)

console.log(`LODESTORE_SEED=${seed}`)
const library = reason === undefined ? faultLibraryPath : undefined
const onRound = (round) => {
  if (round % 50 === 0) console.log(`${round} kills`)
}
const { states, places } = await killCare({ seed, rounds, library, onRound })
console.log('\nwhere processes died')
for (const [place, count] of Object.entries(places)) console.log(`  ${place}: ${count}`)
console.log('\nwhat was there')
for (const [state, count] of Object.entries(states)) console.log(`  ${state}: ${count}`)
console.log(`${rounds} kills: always one of the two states`)
