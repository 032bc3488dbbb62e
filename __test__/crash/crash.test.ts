import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { seed } from '../support/random'
import { runtime } from '../support/runtime'
import { Lost, killWriters, type Options } from './cycles'
import { POINTS } from './points'

// Said before they run: Deno takes a test that skips itself for one that has passed.
const skip = runtime !== 'node' && 'the engine is the same one'

let library: string
let noFaults: string | undefined

before(async () => {
  const built = await import('../../scripts/lib/fault-library.mjs')
  noFaults = built.whyNoFaultLibrary()
  library = built.faultLibraryPath
  if (!skip && noFaults === undefined) built.ensureFaultLibrary()
})

test(`nothing acknowledged is lost at random moments (LODESTORE_SEED=${seed})`, async (t) => {
  const cycles = Number(process.env.LODESTORE_CRASH_CYCLES ?? 6)
  const outcome = await killWriters({ seed, cycles, atRandom: 1, library: undefined })
  t.diagnostic(`${outcome.acknowledged} operations were acknowledged`)
})

test(
  `nothing acknowledged is lost at the named points (LODESTORE_SEED=${seed})`,
  { skip },
  async (t) => {
    if (noFaults !== undefined) return t.skip(noFaults)
    const cycles = 3 * POINTS.length
    const outcome = await killWriters({
      seed,
      cycles,
      points: POINTS,
      atRandom: 0,
      enough: 1,
      library,
    })
    for (const [name, kills] of outcome.kills) {
      assert.ok(kills > 0, `no writer died at the point ${name} in ${cycles} kills`)
    }
    t.diagnostic(`${outcome.cycles} kills, ${outcome.acknowledged} operations acknowledged`)
  },
)

test(
  `nothing acknowledged is lost with the power (LODESTORE_SEED=${seed})`,
  { skip },
  async (t) => {
    if (noFaults !== undefined) return t.skip(noFaults)
    await killWriters({ seed, cycles: 3, atRandom: 1, powerLoss: true, library })
  },
)

/** What catches a defect, and within how many kills. The tests above pass without any. */
const DEFECTS: Record<string, Pick<Options, 'defect' | 'points' | 'cycles' | 'powerLoss'>> = {
  'an index entry that is not written': { defect: 'index-entry-dropped:20', cycles: 10 },
  'an acknowledgement before the commit': {
    defect: 'acknowledged-early:1',
    points: POINTS.filter(({ rule }) => rule === 'kill-before meta-write'),
    cycles: 10,
  },
  'a change that is acknowledged and not noted': {
    defect: 'change-not-noted:5',
    points: POINTS.filter(({ name }) => name === 'deferred'),
    cycles: 10,
  },
  'a sync that is skipped': { defect: 'sync-skipped:1', powerLoss: true, cycles: 10 },
}

for (const [what, options] of Object.entries(DEFECTS)) {
  test(`kills reveal ${what} (LODESTORE_SEED=${seed})`, { skip }, async (t) => {
    if (noFaults !== undefined) return t.skip(noFaults)
    const atRandom = options.points === undefined ? 1 : 0
    await assert.rejects(killWriters({ seed, atRandom, library, ...options }), (error) => {
      assert.ok(error instanceof Lost, String(error))
      // That is no loss.
      assert.doesNotMatch(error.message, /a writer (ended|says nothing)/)
      t.diagnostic(error.message.split('\n')[0]!)
      return true
    })
  })
}
