// Kills writing processes at random moments, and checks the database after each kill.
//
//   node --import tsx scripts/crash.mjs [--cycles 200]
//
// LODESTORE_SEED repeats the choices of a run; where in its work a process dies also depends on
// the machine.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { killWriters } = require('../__test__/crash/cycles.ts')
const { seed } = require('../__test__/support/random.ts')

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '200' } } })
const cycles = Number(values.cycles)

console.log(`LODESTORE_SEED=${seed}`)
const acknowledged = await killWriters({
  seed,
  cycles,
  onCycle(cycle, sum) {
    if ((cycle + 1) % 10 === 0) console.log(`${cycle + 1} kills, ${sum} operations acknowledged`)
  },
})
console.log(`${cycles} kills, ${acknowledged} operations acknowledged: nothing lost`)
