/** How long the event loop is held up while something runs. */

import { closeSync, openSync, readSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { runtime } from '../support/runtime'

/**
 * The most that 99th percentiles may be, in milliseconds. In Deno the thread itself is busy for up
 * to 35 ms (5 to 10 in Node.js), mostly with collecting garbage of the documents that are loaded.
 */
export const LIMIT_MS = runtime === 'deno' ? 40 : 20

const RESOLUTION_MS = 1
const NANOSECONDS = 1e6

/** What was seen, in milliseconds; nothing is subtracted, so an idle loop shows about 1. */
export interface Delay {
  /** Of `monitorEventLoopDelay` at a resolution of 1 ms. */
  p50: number
  p99: number
  max: number
  /**
   * The 99th percentile of how long something waits that arrives at any moment. A rare but long
   * stop hardly shows among the samples of the monitor, but much of the time lies in it.
   */
  wait99: number
  /**
   * The same, of the time that the thread computed between two turns: what is left when other
   * programs, which take the processor away, are not looked at. (Linux; elsewhere as `wait99`.)
   */
  busy99: number
  /** How long all of it took. */
  elapsed: number
}

/** Runs something and watches the event loop meanwhile. */
export async function delayDuring(work: () => Promise<unknown>): Promise<Delay> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const thread = new ThreadTime()
  const gaps: number[] = []
  const busy: number[] = []
  let last = performance.now()
  let lastComputed = thread.computed()
  const look = (): void => {
    const now = performance.now()
    const computed = thread.computed()
    gaps.push(now - last)
    busy.push(computed - lastComputed)
    last = now
    lastComputed = computed
  }
  const timer = setInterval(look, RESOLUTION_MS)
  const begun = last
  monitor.enable()
  try {
    await work()
    // What held the loop up last is seen when its timers have run.
    await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS))
    look()
  } finally {
    monitor.disable()
    clearInterval(timer)
    thread.close()
  }
  return {
    p50: monitor.percentile(50) / NANOSECONDS,
    p99: monitor.percentile(99) / NANOSECONDS,
    max: monitor.max / NANOSECONDS,
    wait99: waitingTime(gaps, 0.99),
    busy99: waitingTime(busy, 0.99),
    elapsed: last - begun,
  }
}

/**
 * A percentile of the time until the loop turns next, over all moments.
 *
 * @param gaps milliseconds between one turn and the next
 */
export function waitingTime(gaps: readonly number[], percentile: number): number {
  const total = gaps.reduce((sum, gap) => sum + gap, 0)
  const longest = gaps.toSorted((a, b) => b - a)
  // In a gap of g, all moments but the last w milliseconds wait longer than w.
  let sum = 0
  for (const [i, gap] of longest.entries()) {
    sum += gap
    const wait = (sum - (1 - percentile) * total) / (i + 1)
    if (wait >= (longest[i + 1] ?? 0)) return wait
  }
  return 0
}

/** The time that this thread has computed. Deno runs tests in another one than the main thread. */
class ThreadTime {
  private readonly file: number | null
  private readonly text = Buffer.alloc(64)

  constructor() {
    this.file = openIfThere('/proc/thread-self/schedstat')
  }

  /** In milliseconds; the time of the clock where it cannot be known. */
  computed(): number {
    if (this.file === null) return performance.now()
    const length = readSync(this.file, this.text, 0, this.text.length, 0)
    // Nanoseconds on a processor, nanoseconds in its queue, and how often.
    return Number(this.text.toString('latin1', 0, length).split(' ')[0]) / NANOSECONDS
  }

  close(): void {
    if (this.file !== null) closeSync(this.file)
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
