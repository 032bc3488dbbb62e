/** Records runs and looks at the states that a power failure could have left of each. */

import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child, runChild } from '../support/child'
import { ioEnvironment } from '../support/preload'
import type { Durability } from './plan'
import type { Order } from './record'
import type { ReplayOrder, Tally } from './replay'

const RECORD = join(__dirname, 'record.ts')
const REPLAY = join(__dirname, 'replay.ts')

/** Runs of `powerLoss` have so many states and steps each. */
export const STATES_A_RUN = 500
export const STEPS_A_RUN = 150

/** Options of `powerLoss`. */
export interface Options {
  seed: number
  durability: Durability
  steps: number
  states: number
  /** Rules of the preload library for the recorded program. */
  rules?: string
  /** One state only. */
  only?: number
}

/** A state that must not be there. */
export class Lost extends Error {
  constructor(
    message: string,
    /** The log that it comes from. */
    readonly log: string,
  ) {
    super(message)
  }
}

/** Directories for a run: the log, which is kept when something is lost, and what it is about. */
export function places(): { home: string; log: string; scratch: string; directory: string } {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'lodestore-power-loss-')))
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const scratch = mkdtempSync(join(memory, 'lodestore-power-loss-'))
  return { home, log: join(home, 'log'), scratch, directory: join(scratch, 'recorded') }
}

/**
 * @returns how many states of which kind there were
 * @throws {Lost} when one is not as it has to be; its files and the log are kept
 */
export async function powerLoss(options: Options): Promise<Tally> {
  const { seed, durability, steps, states, rules, only } = options
  const { home, log, scratch, directory } = places()
  try {
    const order: Order = { directory, durability, seed, steps }
    if (rules !== undefined) order.rules = rules
    const env = ioEnvironment({ directory, log })
    const recorded = await runChild(RECORD, [JSON.stringify(order)], { env })
    if (recorded.code !== 0) throw new Error(`the recorded program failed: ${recorded.stderr}`)
    const replayOrder: ReplayOrder = {
      log,
      directory,
      durability,
      seed,
      steps,
      states,
      scratch,
    }
    if (only !== undefined) replayOrder.only = only
    const tally = await replay(replayOrder)
    rmSync(home, { recursive: true, force: true })
    return tally
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function replay(order: ReplayOrder): Promise<Tally> {
  const child = new Child(REPLAY, [JSON.stringify(order)])
  let state: any
  const lost = (what: string): Lost =>
    new Lost(
      `${what}\nLODESTORE_SEED=${order.seed}, ${order.durability}, ` +
        `${JSON.stringify(state)}, log ${order.log}`,
      order.log,
    )
  for (;;) {
    let said
    try {
      said = await child.next()
    } catch (error) {
      throw lost(String(error))
    }
    if (said.failure !== undefined) throw lost(`${said.failure} (${said.kept})`)
    if (said.tally !== undefined) return said.tally
    state = said
  }
}
