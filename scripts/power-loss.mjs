// Records runs, rebuilds states of the disk that a power failure could have left of them, and
// checks each.
//
//   node --import=tsx scripts/power-loss.mjs [--states 10000] [--sealed] [--graphs]
//
// With --graphs, the programs write vectors, whose graphs are kept in files.
//
// LODESTORE_SEED repeats the choices of a run; what the recorded programs do in the background also
// depends on the machine. A state that is wrong is kept, with the log that it comes from.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { STATES_A_RUN, STEPS_A_RUN, powerLoss } = require('../__test__/power-loss/run.ts')
const { graphPowerLoss } = require('../__test__/power-loss/graphs.ts')
const { sealedEnvironment } = require('../__test__/support/sealed.ts')
const { seed } = require('../__test__/support/random.ts')

const options = {
  states: { type: 'string', default: '10000' },
  sealed: { type: 'boolean', default: false },
  graphs: { type: 'boolean', default: false },
}
const { values } = parseArgs({ options })
const states = Number(values.states)
if (values.sealed && !values.graphs) Object.assign(process.env, sealedEnvironment())

/** The durabilities of the runs, in turn. */
const DURABILITIES = ['strict', 'relaxed', 'none', 'strict', 'relaxed']
/** How often the graph of a run is written anew, and how many states are looked at then. */
const [ROUNDS, GRAPHS_A_RUN] = [6, 100]

/** A run, of so many states at the most. */
function recorded(durability, at, left) {
  const choices = { seed: at >>> 0, durability }
  if (!values.graphs) {
    return powerLoss({ ...choices, steps: STEPS_A_RUN, states: Math.min(STATES_A_RUN, left) })
  }
  const what = { ...choices, isSealed: values.sealed, rounds: ROUNDS }
  return graphPowerLoss({ ...what, states: Math.min(GRAPHS_A_RUN, left) })
}

console.log(`LODESTORE_SEED=${seed}`)
const sums = {}
let run = 0
const each = values.graphs ? GRAPHS_A_RUN : STATES_A_RUN
// What counts for graphs is in commits that are on disk.
const durabilities = values.graphs ? ['strict', 'relaxed'] : DURABILITIES
for (let done = 0; done < states; done += each, run++) {
  const durability = durabilities[run % durabilities.length]
  const tally = await recorded(durability, seed + run, states - done)
  const sum = (sums[durability] ??= { runs: 0 })
  sum.runs++
  for (const [name, count] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + count
  console.log(`run ${run}, ${durability}: ${JSON.stringify(tally)}`)
}
for (const [durability, sum] of Object.entries(sums)) {
  console.log(`${durability}: ${JSON.stringify(sum)}`)
}
console.log(`${states} states: nothing lost`)
