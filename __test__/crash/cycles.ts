/** Kills writers at random moments, and checks the database after each. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child } from '../support/child'
import { Random } from '../support/random'
import { Ledger } from './ledger'

const WRITER = join(__dirname, 'writer.ts')
const VERIFIER = join(__dirname, 'verifier.ts')

const LANES = ['one', 'two', 'bank', 'schema', 'scratch', 'large', 'numbered']

/** How many reports a writer lives to make, at most; how long after its start some are killed. */
const REPORTS = 600
const START = 600
/** What comes between a report and the kill, at most, in milliseconds. */
const MOMENT = 20
/** How many reports of the writer beside a killed one are awaited: it must go on. */
const REPORTS_AFTER_KILL = 20

/** Options of `killWriters`. */
export interface Options {
  seed: number
  cycles: number
  onCycle?: (cycle: number, acknowledged: number) => void
}

/**
 * @returns the number of acknowledged operations
 * @throws when anything was lost or is half there
 */
export async function killWriters({ seed, cycles, onCycle }: Options): Promise<number> {
  const random = new Random(seed)
  const ledger = new Ledger()
  const path = mkdtempSync(join(tmpdir(), 'lodestore-crash-'))
  let acknowledged = 0
  for (let cycle = 0; cycle < cycles; cycle++) {
    const reports = await oneLife(path, random, ledger)
    for (const report of reports) {
      if (report.failure !== undefined) {
        throw new Error(`LODESTORE_SEED=${seed}, cycle ${cycle}: ${report.failure}`)
      }
      ledger.hear(report)
      if (report.ends !== undefined) acknowledged++
    }
    const verifier = new Child(VERIFIER)
    verifier.say({ path })
    const { failure, contents } = await verifier.next()
    await verifier.ended
    const problems = failure === undefined ? ledger.settle(contents) : [failure]
    if (problems.length > 0) {
      throw new Error(
        `LODESTORE_SEED=${seed}, cycle ${cycle}, in ${path}:\n${problems.slice(0, 10).join('\n')}`,
      )
    }
    onCycle?.(cycle, acknowledged)
  }
  rmSync(path, { recursive: true, force: true })
  return acknowledged
}

/** Starts a writer, sometimes with another one beside it, and kills it. Gives what they said. */
async function oneLife(path: string, random: Random, ledger: Ledger): Promise<any[]> {
  const durability = random.pick(['strict', 'strict', 'relaxed', 'none'])
  const start = ledger.start()
  const order = { path, durability, start, seed: random.below(2 ** 31) }
  const companion = random.chance(0.3) ? new Child(WRITER) : undefined
  companion?.say({ ...order, lanes: ['companion'] })
  const writer = new Child(WRITER)
  writer.say({ ...order, lanes: LANES.filter((lane) => lane === 'one' || random.chance(0.8)) })
  const reports: any[] = []
  // Some die while they start, open the database, or create it.
  if (random.chance(0.15)) {
    await setTimeout(random.below(START))
  } else {
    for (let left = random.below(REPORTS); left >= 0; left--) {
      const report = await writer.next()
      reports.push(report)
      if (report.failure !== undefined) return reports
    }
    await setTimeout(random.below(MOMENT))
  }
  await writer.kill()
  reports.push(...(await writer.rest()))
  if (companion !== undefined) {
    for (let i = 0; i < REPORTS_AFTER_KILL; i++) reports.push(await companion.next())
    companion.say('stop')
    await companion.ended
    reports.push(...(await companion.rest()))
  }
  return reports
}
