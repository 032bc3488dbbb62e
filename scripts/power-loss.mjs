// Records runs, rebuilds states of the disk that a power failure could have left of them, and
// checks each.
//
//   node --import=tsx scripts/power-loss.mjs [--states 10000] [--sealed]
//
// LODESTORE_SEED repeats the choices of a run; what the recorded programs do in the background also
// depends on the machine. A state that is wrong is kept, with the log that it comes from.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { STATES_A_RUN, STEPS_A_RUN, powerLoss } = require('../__test__/power-loss/run.ts')
const { sealedEnvironment } = require('../__test__/support/sealed.ts')
const { seed } = require('../__test__/support/random.ts')

const options = {
  states: { type: 'string', default: '10000' },
  sealed: { type: 'boolean', default: false },
}
const { values } = parseArgs({ options })
const states = Number(values.states)
if (values.sealed) Object.assign(process.env, sealedEnvironment())

/** The durabilities of the runs, in turn. */
const DURABILITIES = ['strict', 'relaxed', 'none', 'strict', 'relaxed']

console.log(`LODESTORE_SEED=${seed}`)
const sums = {}
let run = 0
for (let done = 0; done < states; done += STATES_A_RUN, run++) {
  const durability = DURABILITIES[run % DURABILITIES.length]
  const choices = { seed: (seed + run) >>> 0, durability, steps: STEPS_A_RUN }
  const tally = await powerLoss({ ...choices, states: Math.min(STATES_A_RUN, states - done) })
  const sum = (sums[durability] ??= { runs: 0 })
  sum.runs++
  for (const [name, count] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + count
  console.log(`run ${run}, ${durability}: ${JSON.stringify(tally)}`)
}
for (const [durability, sum] of Object.entries(sums)) {
  console.log(`${durability}: ${JSON.stringify(sum)}`)
}
console.log(`${states} states: nothing lost`)
