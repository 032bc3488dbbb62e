/** The JavaScript runtime that runs the tests. */

import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const { versions } = process

/** Which runtime this is. Bun and Deno call themselves Node.js, too. */
export const runtime: 'node' | 'bun' | 'deno' =
  versions.bun !== undefined ? 'bun' : versions.deno !== undefined ? 'deno' : 'node'

/** The arguments of `process.execPath` before the file of a program in TypeScript. */
export const typeScriptArgs: readonly string[] = {
  node: ['--import=tsx'],
  bun: [],
  deno: [join(__dirname, '..', '..', 'scripts', 'runtimes', 'load.cjs')],
}[runtime]

/** The same for programs that start in half the time, and import no TypeScript by `import()`. */
export const quickTypeScriptArgs = runtime === 'node' ? ['--require=tsx/cjs'] : typeScriptArgs

/** Collects garbage now, whatever flags the process was started with. */
export const collectGarbage = garbageCollector()

function garbageCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(synchronously: boolean): void } }
  if (Bun !== undefined) return () => Bun.gc(true)
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
