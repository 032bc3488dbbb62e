// Kills processes that care for databases, plain and encrypted ones, at random moments and at
// named points, and checks what is there afterwards: changePassphrase, rotateKey, encrypt, decrypt,
// backup, restore, compact, importFrom, repair.
//
//   node --import tsx scripts/care-kills.mjs [--rounds 500]

import { createRequire } from 'node:module'
import { drill, tell } from './lib/drill.mjs'

const { killCare } = createRequire(import.meta.url)('../__test__/care-kills/kills.ts')

const options = drill()
const { states, places } = await killCare(options)
tell('where processes died', places)
tell('what was there', states)
console.log(`${options.rounds} kills: always one of the two states`)
