/** Runs rounds of work in a process of its own and looks at what becomes of its memory. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../support/child'
import { seed } from '../support/random'
import { trend, type Trend } from './slope'

const PROGRAM = join(__dirname, 'run.ts')

/** Rounds in which caches fill, code is compiled and the allocators find their size. */
const WARM_UP = 0.4
/** What the process may grow by afterwards, in bytes. */
const MAX_GROWTH = 5 << 20
/** In few rounds noise may look like growth, but it does not rise so steadily. */
const MAX_RISING = 0.75
/** In so many, noise makes no trend. */
const MANY_ROUNDS = 100

/** What was measured. */
export interface Measured extends Trend {
  rounds: number
  /** In bytes, after the warm-up and at the end. */
  first: number
  last: number
  leaks: boolean
}

/** Whether a process leaks that has so much memory after each round, in bytes. */
export function isLeak(settled: readonly number[]): boolean {
  const { growth, rising } = trend(settled)
  return growth > MAX_GROWTH && (rising > MAX_RISING || settled.length >= MANY_ROUNDS)
}

/** Works for `seconds`, and at least `rounds` rounds. */
export async function measure(
  seconds: number,
  options: { rounds?: number; leak?: boolean } = {},
): Promise<Measured> {
  const { rounds = 25, leak = false } = options
  const directory = await mkdtemp(join(tmpdir(), 'lodestore-test-'))
  try {
    const args = [directory, `${seconds}`, `${rounds}`, leak ? 'leak' : '']
    const env = {
      LODESTORE_SEED: `${seed}`,
      // Threads that come and go get their memory from one place, so that what is free in another
      // one does not look like a leak.
      MALLOC_ARENA_MAX: '1',
      // What is freed goes back to the system at once: otherwise it depends on chance how much of
      // it stays, by some megabytes from one round to the next.
      MALLOC_MMAP_THRESHOLD_: `${16 << 10}`,
      MALLOC_TRIM_THRESHOLD_: '0',
      MALLOC_TOP_PAD_: '0',
    }
    const child = await runChild(PROGRAM, args, { nodeArgs: ['--expose-gc'], env })
    if (child.code !== 0) throw new Error(`${child.signal ?? child.code}: ${child.stderr}`)
    const memory: number[] = child.said
    const settled = memory.slice(Math.floor(memory.length * WARM_UP))
    const { growth, rising } = trend(settled)
    return {
      rounds: memory.length,
      first: settled[0]!,
      last: settled.at(-1)!,
      growth,
      rising,
      leaks: isLeak(settled),
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** What was measured, in words. */
export function describe({ rounds, first, last, growth, rising }: Measured): string {
  const mebibytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MiB`
  const share = `${(rising * 100).toFixed(0)} % of pairs rise`
  return (
    `${rounds} rounds: RssAnon ${mebibytes(first)} after the warm-up, ${mebibytes(last)} at the ` +
    `end, trend ${mebibytes(growth)}, ${share}`
  )
}
