import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runChild, type StartOptions } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { runtime } from '../support/runtime'

const AUTO = join(__dirname, '..', '..', 'lib', 'indexeddb', 'auto.js')

/** Bun may evaluate a client, which looks for globals, before what was imported before it. */
const NODE_ARGS = runtime === 'bun' ? ['--preload', AUTO] : []

/** Options of `runPhases`. */
export interface PhaseOptions extends StartOptions {
  /** What the program prints on standard error whatever happens. */
  advertises?: RegExp
}

/**
 * Runs the phases of a program (see `phases.ts`), each in a process of its own.
 *
 * @param file the program's absolute path
 */
export async function runPhases(
  t: TestContext,
  file: string,
  phases: string[],
  { advertises = /^$/, env = {}, nodeArgs = [], ...others }: PhaseOptions = {},
): Promise<void> {
  const path = env.LODESTORE_PATH ?? (await temporaryDirectory(t))
  for (const phase of phases) {
    const options = {
      ...others,
      nodeArgs: [...NODE_ARGS, ...nodeArgs],
      env: { ...env, LODESTORE_PATH: path },
      quick: true,
    }
    const { code, signal, stderr, said } = await runChild(file, [phase], options)
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `${phase}: ${stderr}`)
    assert.match(stderr, advertises, phase)
    // A program whose events do not come ends, too.
    assert.deepEqual(said, [{ finished: phase }], `${phase} was left before its end`)
  }
}
