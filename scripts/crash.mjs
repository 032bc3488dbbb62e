// Kills writing processes at random moments and at named points, and checks the database after
// each kill.
//
//   npm run crash -- [--cycles 200] [--jobs 2] [--sealed]
//
// With --sealed the databases are encrypted. Each job works on databases of its own.
// LODESTORE_SEED, with one job, repeats the choices of a run; where in its work a process dies also
// depends on the machine.

import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Failure, main } from './lib/common.mjs'
import { ensureFaultLibrary, faultLibraryPath, whyNoFaultLibrary } from './lib/fault-library.mjs'
import { ensurePackages } from './lib/setup.mjs'

/** Each point has to be reached once in so many kills: 20 times in 2,000. */
const KILLS_PER_POINT = 100

/** The share of kills at random moments. */
const AT_RANDOM = 0.35

/** Kills between two lines of progress. */
const PROGRESS = 100

function readOptions() {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '200' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      sealed: { type: 'boolean', default: false },
    },
  })
  const [cycles, jobs] = [Number(values.cycles), Number(values.jobs)]
  const { sealed } = values
  if (cycles >= 1 && jobs >= 1) return { cycles, jobs: Math.min(jobs, cycles), sealed }
  throw new Failure('usage: npm run crash -- [--cycles 200] [--jobs 2] [--sealed]')
}

/** The outcomes of all jobs as one. */
function sum(outcomes) {
  const total = { cycles: 0, acknowledged: 0, killsAtRandom: 0, missed: 0, kills: new Map() }
  for (const { kills, ...counts } of outcomes) {
    for (const [name, count] of Object.entries(counts)) total[name] += count
    for (const [name, count] of kills) total.kills.set(name, (total.kills.get(name) ?? 0) + count)
  }
  return total
}

function printTable({ kills, killsAtRandom, missed }) {
  console.log(`\n${'point'.padEnd(32)} kills`)
  const others = [
    ['random moments', killsAtRandom],
    ['on the way to a point', missed],
  ]
  for (const [name, count] of [...kills, ...others]) {
    console.log(`${name.padEnd(32)} ${String(count).padStart(5)}`)
  }
  console.log('')
}

/** Runs the jobs; the first that fails ends all. */
async function killInJobs(cycles, jobs, sealed) {
  const require = createRequire(import.meta.url)
  require('tsx/cjs')
  const { sealedEnvironment } = require('../__test__/support/sealed.ts')
  if (sealed) Object.assign(process.env, sealedEnvironment())
  const { killWriters, Lost } = require('../__test__/crash/cycles.ts')
  const { POINTS } = require('../__test__/crash/points.ts')
  const { seed } = require('../__test__/support/random.ts')
  console.log(`LODESTORE_SEED=${seed}`)
  const start = performance.now()
  const seconds = () => ((performance.now() - start) / 1000).toFixed(0)
  const failed = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => failed.abort())
  const latest = new Map()
  const runs = Array.from({ length: jobs }, (_, job) => {
    const share = Math.floor(cycles / jobs) + (job < cycles % jobs ? 1 : 0)
    const run = killWriters({
      seed: seed + job,
      cycles: share,
      points: POINTS,
      atRandom: AT_RANDOM,
      library: faultLibraryPath,
      keep: true,
      signal: failed.signal,
      onCycle(_cycle, outcome) {
        latest.set(job, outcome)
        const { cycles: kills, acknowledged } = sum(latest.values())
        if (kills % PROGRESS > 0) return
        console.log(`${kills} kills, ${acknowledged} operations acknowledged, ${seconds()} s`)
      },
    })
    run.catch(() => failed.abort())
    return run
  })
  for (const { status, reason } of await Promise.allSettled(runs)) {
    if (status === 'fulfilled') continue
    throw reason instanceof Lost ? new Failure(reason.message) : reason
  }
  return { ...sum(latest.values()), seconds: seconds() }
}

await main(async () => {
  const { cycles, jobs, sealed } = readOptions()
  ensurePackages()
  const reason = whyNoFaultLibrary()
  if (reason !== undefined) throw new Failure(`the crash test needs fault points: ${reason}`)
  ensureFaultLibrary()
  const outcome = await killInJobs(cycles, jobs, sealed)
  printTable(outcome)
  if (outcome.cycles < cycles) throw new Failure(`ended after ${outcome.cycles} kills`)
  const times = Math.floor(cycles / KILLS_PER_POINT)
  const seldom = [...outcome.kills].filter(([, count]) => count < times).map(([name]) => name)
  if (seldom.length > 0) {
    throw new Failure(`reached fewer than ${times} times: ${seldom.join('; ')}`)
  }
  console.log(
    `${outcome.cycles} kills in ${outcome.seconds} s, each point at least ${times} times, ` +
      `${outcome.acknowledged} operations acknowledged: nothing lost`,
  )
})
