/** The damage drill as a whole. */

import { join } from 'node:path'
import { Child } from '../support/child'
import type { Tally } from './drill'

/** Options of the drill. */
export interface DrillOptions {
  documents: number
  rounds: number
  seed: number
  /** Whether the database is encrypted. Default: false. */
  isSealed?: boolean
  /** Called when a round begins. */
  onRound?: (round: number) => void
}

/** Runs rounds; throws, naming the seed of the round, if one fails or the process crashes. */
export async function drill(options: DrillOptions): Promise<Tally> {
  const { documents, rounds, seed, isSealed = false, onRound } = options
  const args = [documents, rounds, seed, isSealed ? 'sealed' : 'plain'].map(String)
  const child = new Child(join(__dirname, 'run.ts'), args)
  let [last, round] = [seed, 0]
  for (;;) {
    const said = await child.nextOrEnd<{ begins?: number; tally?: Tally }>()
    if (said === undefined) {
      const { code, signal, stderr } = await child.ended
      throw new Error(`the round LODESTORE_SEED=${last} failed (${signal ?? code}): ${stderr}`)
    }
    if (said.tally !== undefined) {
      await child.ended
      return said.tally
    }
    last = said.begins!
    onRound?.(round++)
  }
}
