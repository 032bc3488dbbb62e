/**
 * Why runtimes skip tests. Node.js reports the reasons that tests give; Bun and Deno report none:
 * theirs are listed here.
 */

import { Failure } from '../lib/common.mjs'

const NO_PRELOAD = 'the calls of the system that fail are those of a library made for Node.js'
const NO_MOUNTS = 'this process may not mount file systems'

const OTHERS = ['bun', 'deno']

/** @type {readonly { file: string, kinds: readonly string[], reason: string }[]} */
const REASONS = [
  { file: 'bad-input/files.test.ts', kinds: OTHERS, reason: 'root may read all' },
  { file: 'bad-input/full-disk.test.ts', kinds: OTHERS, reason: NO_MOUNTS },
  { file: 'bad-input/read-only-file-system.test.ts', kinds: OTHERS, reason: NO_MOUNTS },
  {
    file: 'crash/crash.test.ts',
    kinds: OTHERS,
    reason: 'the engine that is killed is the same one',
  },
  {
    file: 'event-loop/fake-timers.test.ts',
    kinds: ['deno'],
    reason: "Deno's node:test replaces timers that were taken before, too",
  },
  { file: 'indexeddb/connections.test.ts', kinds: OTHERS, reason: NO_PRELOAD },
  {
    file: 'indexeddb/example.test.ts',
    kinds: ['deno'],
    reason: 'programs with Dexie do not end by themselves',
  },
  { file: 'io-faults/io-faults.test.ts', kinds: OTHERS, reason: NO_PRELOAD },
  { file: 'power-loss/power-loss.test.ts', kinds: OTHERS, reason: NO_PRELOAD },
  { file: 'power-loss/preload.test.ts', kinds: OTHERS, reason: NO_PRELOAD },
  { file: 'runtimes/deno.test.ts', kinds: ['bun'], reason: 'only Deno asks for permissions' },
]

/** The reason why a test of a file was skipped; undefined if there is none. */
function reasonOf({ kind }, file, { reason }) {
  if (reason !== '') return reason
  const known = REASONS.find(
    (each) => `__test__/${each.file}` === file && each.kinds.includes(kind),
  )
  return known?.reason
}

/**
 * What a runtime skipped, and why: a line for each file and reason.
 *
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @param {Map<string, import('./results.mjs').Counts>} results by file
 * @throws {Failure} where there is no reason
 */
export function explainSkips(runtime, results) {
  const lines = new Map()
  for (const [file, { skips }] of results) {
    for (const skip of skips) {
      const reason = reasonOf(runtime, file, skip)
      if (reason === undefined) {
        throw new Failure(`${runtime.name} skips "${skip.name}" of ${file} without a reason`)
      }
      const line = `${file}: ${reason}`
      lines.set(line, (lines.get(line) ?? 0) + 1)
    }
  }
  return [...lines].map(([line, count]) => `${runtime.name} skips ${count} of ${line}`)
}
