// Runs what threads and processes can do to each other, again and again with other choices.
//
//   node --import tsx scripts/soak.mjs [--seconds 600] [--only threads,terminate]
//
// LODESTORE_SEED repeats the choices of a run; when a thread or process dies also depends on the
// machine.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { Failure, main } from './lib/common.mjs'

const require = createRequire(import.meta.url)
const { open } = require('../index.js')
const { workTogether } = require('../__test__/concurrent/together.ts')
const { callsOf } = require('../__test__/lifetime/calls.js')
const { raceWithClose } = require('../__test__/lifetime/close-race.ts')
const { WAYS, endProcesses } = require('../__test__/lifetime/ends.ts')
const { terminateThreads } = require('../__test__/lifetime/terminate.ts')
const { changeSchema } = require('../__test__/processes/schema.ts')
const { Random, seed } = require('../__test__/support/random.ts')

const calls = Object.keys(callsOf(open, '', ''))

/** Some of many, so that a round ends in time. */
const some = (random, items, count) => random.list(count, () => random.pick(items))

/** A round of each kind; gives what it did. */
const parts = {
  threads: (round) =>
    workTogether({ seed: round, threads: 3, processes: 0, operations: 20_000, steps: 1500 }),
  processes: (round) =>
    workTogether({ seed: round, threads: 1, processes: 3, operations: 20_000, steps: 1500 }),
  terminate: async (round) => ({
    threads: await terminateThreads({
      seed: round,
      calls: some(new Random(round), calls, 20),
      times: 5,
    }),
  }),
  ends: async (round) => {
    const random = new Random(round)
    const pairs = some(random, calls, 60).map((call) => [call, random.pick(WAYS)])
    return { processes: pairs.length, settled: await endProcesses({ seed: round, pairs }) }
  },
  close: async (round) => ({
    races: await raceWithClose({
      seed: round,
      calls: calls.filter((call) => !call.includes('not closed')),
    }),
  }),
  schema: (round) => changeSchema({ seed: round, changes: 1000, processes: 3 }),
}

async function soak() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      only: { type: 'string', default: Object.keys(parts).join(',') },
    },
  })
  const names = values.only.split(',')
  const unknown = names.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) {
    throw new Failure(`there is no part ${unknown}, only: ${Object.keys(parts).join(', ')}`)
  }
  console.log(`LODESTORE_SEED=${seed}`)
  const begun = performance.now()
  const seconds = () => (performance.now() - begun) / 1000
  let rounds = 0
  for (; seconds() < Number(values.seconds); rounds++) {
    const name = names[rounds % names.length]
    const done = await parts[name](seed + rounds).catch((cause) => {
      throw new Error(`${name}, to be repeated by LODESTORE_SEED=${seed + rounds}`, { cause })
    })
    console.log(`${seconds().toFixed(0)} s, ${name}: ${JSON.stringify(done)}`)
  }
  console.log(`${rounds} rounds in ${seconds().toFixed(0)} s: nothing wrong`)
}

await main(soak)
