// Kills processes that write vectors, in plain and encrypted databases, at random moments and at
// named points, and checks what searches find afterwards.
//
//   node --import tsx scripts/vector-kills.mjs [--rounds 500]

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { ensureFaultLibrary, faultLibraryPath, whyNoFaultLibrary } from './lib/fault-library.mjs'

const require = createRequire(import.meta.url)
const { killWriters } = require('../__test__/vector/kills.ts')
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
const outcomes = await killWriters({ seed, rounds, library, onRound })
const { places, read, builtAnew, fromFile, added, longest } = outcomes
console.log('\nwhere writers died')
for (const [place, count] of Object.entries(places)) console.log(`  ${place}: ${count}`)
console.log(`graphs read from their files: ${read}, built anew: ${builtAnew}`)
console.log(`vectors read: ${fromFile}, added since they were newer: ${added}`)
console.log(`open and brought up to date in at most ${Math.round(longest)} ms`)
console.log(`${rounds} kills: every vector is found, and none that is not there`)
