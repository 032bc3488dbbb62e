import { isDeepStrictEqual } from 'node:util'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

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
 * Repeats a batch of work until the time is up, with a warm-up of a tenth of it before.
 *
 * @param {() => number | Promise<number>} batch answers with how many operations it did
 * @param {number} seconds
 * @returns {Promise<number>} operations a second
 */
export async function rateOf(batch, seconds) {
  await repeat(batch, seconds / 10)
  const { operations, elapsed } = await repeat(batch, seconds)
  return operations / elapsed
}

async function repeat(batch, seconds) {
  const start = performance.now()
  let operations = 0
  let elapsed
  do {
    const done = batch()
    operations += typeof done === 'number' ? done : await done
    elapsed = (performance.now() - start) / 1000
  } while (elapsed < seconds)
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
