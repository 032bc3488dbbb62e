// Kills processes that write vectors, in plain and encrypted databases, at random moments and at
// named points, and checks what searches find afterwards.
//
//   node --import tsx scripts/vector-kills.mjs [--rounds 500]

import { createRequire } from 'node:module'
import { drill, tell } from './lib/drill.mjs'

const { killWriters } = createRequire(import.meta.url)('../__test__/vector/kills.ts')

const options = drill()
const { places, read, builtAnew, fromFile, added, longest } = await killWriters(options)
tell('where writers died', places)
console.log(`graphs read from their files: ${read}, built anew: ${builtAnew}`)
console.log(`vectors read: ${fromFile}, added since they were newer: ${added}`)
console.log(`open and brought up to date in at most ${Math.round(longest)} ms`)
console.log(`${options.rounds} kills: every vector is found, and none that is not there`)
