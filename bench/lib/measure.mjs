import { isDeepStrictEqual } from 'node:util'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { documentAt } from '../dataset.mjs'

/** Milliseconds of work after which a workload lets the event loop turn. */
const SLICE = 1
/** Documents that are made between two looks at the clock. */
const CHUNK = 100
/** Operations of a warm-up, and how many times longer than what is measured it may take. */
const WARM_UP = 8_000
const MOST_WARM_UP = 3

/**
 * How long a warm-up takes before `seconds` are measured: as long at least, and for so many
 * operations, unless that takes too long. V8 optimises what was called often, beside the program,
 * which then has one processor less.
 *
 * @param {number} seconds
 */
export function warmUp(seconds) {
  return { seconds, least: WARM_UP, most: MOST_WARM_UP * seconds }
}

/** A peer that gave another answer than the generator. */
export class WrongResult extends Error {}

/** @throws {WrongResult} */
export function check(condition, message) {
  if (!condition) throw new WrongResult(message)
}

/** Compares whole values. @throws {WrongResult} */
export function checkSame(actual, expected, what) {
  check(isDeepStrictEqual(actual, expected), `${what} differs from the generator`)
}

/**
 * Lets the event loop turn about once a millisecond, as a server would: a peer that never waits for
 * anything holds the loop for single calls only, and one that puts work off to the end of a turn
 * pays for it within the measured time.
 */
export class Turns {
  #last = performance.now()

  /** Whether it is time; looking at the clock costs less than a promise. */
  get isDue() {
    return performance.now() - this.#last >= SLICE
  }

  async next() {
    await setImmediate()
    this.#last = performance.now()
  }
}

/**
 * Repeats a batch of work until the time is up, after a warm-up.
 *
 * @param {() => number | Promise<number>} batch answers with how many operations it did
 * @param {number} seconds
 * @returns {Promise<number>} operations a second
 */
export async function rateOf(batch, seconds) {
  await repeat(batch, warmUp(seconds))
  const { operations, elapsed } = await repeat(batch, { seconds })
  return operations / elapsed
}

/** Repeats a batch for so many seconds, then until it was `least` operations or `most` seconds. */
async function repeat(batch, { seconds, least = 0, most = seconds }) {
  const turns = new Turns()
  const start = performance.now()
  let operations = 0
  let elapsed
  do {
    const done = batch()
    operations += typeof done === 'number' ? done : await done
    if (turns.isDue) await turns.next()
    elapsed = (performance.now() - start) / 1000
  } while (elapsed < seconds || (operations < least && elapsed < most))
  return { operations, elapsed }
}

/** Adds up the time of work that alternates with other work. */
export class Stopwatch {
  seconds = 0

  async time(work) {
    const start = performance.now()
    const result = await work()
    this.seconds += (performance.now() - start) / 1000
    return result
  }
}

/**
 * Documents `from` to `to` (exclusive), made without holding up the event loop, so that its delay
 * is the peer's.
 */
export async function documents(from, to) {
  const turns = new Turns()
  const made = []
  for (let i = from; i < to; i++) {
    made.push(documentAt(i))
    if (i % CHUNK === 0 && turns.isDue) await turns.next()
  }
  // What follows begins a turn of its own.
  await turns.next()
  return made
}

/** Bytes that the files of a directory take on the disk. */
export function bytesOnDisk(path) {
  let bytes = 0
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) bytes += bytesOnDisk(child)
    else {
      const { size, blocks } = statSync(child)
      bytes += blocks === undefined ? size : blocks * 512
    }
  }
  return bytes
}

/**
 * Memory of this process in bytes, after a garbage collection. Anonymous memory leaves mapped files
 * out; it is known on Linux only.
 *
 * @returns {{ anonymous: number | undefined, resident: number }}
 */
export function memory() {
  globalThis.gc?.()
  globalThis.gc?.()
  const resident = process.memoryUsage().rss
  if (process.platform !== 'linux') return { anonymous: undefined, resident }
  const [, kilobytes] =
    /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return { anonymous: kilobytes === undefined ? undefined : kilobytes * 1024, resident }
}
