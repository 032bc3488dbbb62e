import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { faultLibrary } from './fault-library.mjs'

const { seed } = createRequire(import.meta.url)('../../__test__/support/random.ts')

/**
 * What a drill goes by that kills processes over and over: `--rounds`, 500 by default, and the
 * library with fault points. Says the seed.
 *
 * @returns {{ seed: number, rounds: number, library: string | undefined,
 *   onRound: (round: number) => void }}
 */
export function drill() {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '500' } } })
  const { library, reason } = faultLibrary()
  if (reason !== undefined) console.log(`at random moments only: ${reason}`)
  console.log(`LODESTORE_SEED=${seed}`)
  const onRound = (round) => {
    if (round % 50 === 0) console.log(`${round} kills`)
  }
  return { seed, rounds: Number(values.rounds), library, onRound }
}

/** Prints how often something happened. */
export function tell(what, counts) {
  console.log(`\n${what}`)
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name}: ${count}`)
}
