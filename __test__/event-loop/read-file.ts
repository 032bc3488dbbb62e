/** How fast `fs.readFile` is while other work is under way: libuv's threads must be free for it. */

import { readFile } from 'node:fs/promises'
import { LIMIT_MS } from './delay'

/** Milliseconds that one call of `fs.readFile` takes. */
export interface ReadTimes {
  calls: number
  p50: number
  p99: number
  max: number
  /** How long the work took. */
  elapsed: number
}

/**
 * Whether the reads did not wait for the work.
 *
 * @param leniently look only for a read that took a great part of the time. That is so when work
 *   holds all of libuv's threads; other programs that take the processor delay reads by less.
 */
export function areFast({ p99, max, elapsed }: ReadTimes, leniently: boolean): boolean {
  return leniently ? max < 0.6 * elapsed : p99 < LIMIT_MS
}

/** Reads a file again and again until some work has ended. */
export async function readTimesDuring(path: string, work: Promise<unknown>): Promise<ReadTimes> {
  const start = performance.now()
  const state = { ended: false }
  const done = work.finally(() => {
    state.ended = true
  })
  // What it fails with is thrown below.
  done.catch(() => {})
  const times: number[] = []
  while (!state.ended) {
    const begun = performance.now()
    await readFile(path)
    times.push(performance.now() - begun)
  }
  await done
  const sorted = times.toSorted((a, b) => a - b)
  const at = (percentile: number): number => sorted[Math.floor(sorted.length * percentile)]!
  return {
    calls: times.length,
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1)!,
    elapsed: performance.now() - start,
  }
}
