/** Checks that work on many documents leaves the event loop its turns. */

import { delayDuring, LIMIT_MS, type Delay } from './delay'
import type { Work } from './works'

/** Other programs may spoil one or two. */
const ATTEMPTS = 3
/** On a machine that is so busy that all takes longer than this, once has to do. */
const PATIENCE_MS = 30_000
const IDLE_MS = 300
const NAME_WIDTH = 32

/** What a check found. */
export interface Finding {
  name: string
  /** The attempts, the last one being the best if it ended them. */
  delays: Delay[]
  verdict: 'ok' | 'ok but for other programs' | 'TOO LONG'
}

/**
 * Measures some work until the 99th percentiles are below the limit, three times at most.
 *
 * What only other programs spoiled, by taking the processor, is not held against the work.
 *
 * @param patience milliseconds after which it is not tried again
 */
export async function check({ name, run, prepare }: Work, patience: number): Promise<Finding> {
  const begun = performance.now()
  const delays: Delay[] = []
  do {
    prepare?.()
    const delay = await delayDuring(run)
    delays.push(delay)
    if (delay.p99 < LIMIT_MS && delay.wait99 < LIMIT_MS) return { name, delays, verdict: 'ok' }
  } while (delays.length < ATTEMPTS && performance.now() - begun < patience)
  const busy = Math.min(...delays.map(({ busy99 }) => busy99))
  return { name, delays, verdict: busy < LIMIT_MS ? 'ok but for other programs' : 'TOO LONG' }
}

/**
 * Checks all work, with an idle loop before it for comparison.
 *
 * @param say takes each line of the report
 * @returns the names of what held the loop up for too long
 */
export async function checkAll(
  works: readonly Work[],
  say: (line: string) => void,
): Promise<string[]> {
  const columns = ['p50', 'p99', 'max', 'wait99', 'busy99', 'elapsed']
  say('milliseconds'.padEnd(NAME_WIDTH) + columns.map((name) => name.padStart(8)).join(''))
  say(lineOf('idle', await delayDuring(idle), ''))
  const failed: string[] = []
  const until = performance.now() + PATIENCE_MS
  for (const work of works) {
    const { name, delays, verdict } = await check(work, until - performance.now())
    for (const [i, delay] of delays.entries()) {
      say(lineOf(name, delay, i === delays.length - 1 ? verdict : 'again'))
    }
    if (verdict === 'TOO LONG') failed.push(name)
  }
  return failed
}

function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_MS))
}

function lineOf(name: string, delay: Delay, verdict: string): string {
  const { p50, p99, max, wait99, busy99, elapsed } = delay
  const figures = [...[p50, p99, max, wait99, busy99].map((each) => each.toFixed(1)), elapsed | 0]
  const columns = figures.map((figure) => String(figure).padStart(8)).join('')
  return `${name.padEnd(NAME_WIDTH)}${columns}  ${verdict}`.trimEnd()
}
