import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runChild } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { runtime } from '../support/runtime'

const AUTO = join(__dirname, '..', '..', 'lib', 'indexeddb', 'auto.js')

/** Bun may evaluate a client, which looks for globals, before what was imported before it. */
const NODE_ARGS = runtime === 'bun' ? ['--preload', AUTO] : []

/**
 * Runs the phases of a program (see `phases.ts`), each in a process of its own.
 *
 * @param file the program's absolute path
 * @param advertises what the program prints on standard error whatever happens
 */
export async function runPhases(
  t: TestContext,
  file: string,
  phases: string[],
  advertises = /^$/,
): Promise<void> {
  const path = await temporaryDirectory(t)
  for (const phase of phases) {
    const options = { nodeArgs: NODE_ARGS, env: { LODESTORE_PATH: path }, quick: true }
    const { code, signal, stderr, said } = await runChild(file, [phase], options)
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `${phase}: ${stderr}`)
    assert.match(stderr, advertises, phase)
    // A program whose events do not come ends, too.
    assert.deepEqual(said, [{ finished: phase }], `${phase} was left before its end`)
  }
}
