import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runChild } from '../../support/child'
import { temporaryDirectory } from '../../support/database'

/**
 * Runs the phases of a program (see `phases.ts`), each in a process of its own.
 *
 * @param advertises what the client prints on standard error whatever happens
 */
export async function runPhases(
  t: TestContext,
  file: string,
  phases: string[],
  advertises = /^$/,
): Promise<void> {
  const path = await temporaryDirectory(t)
  for (const phase of phases) {
    const options = { env: { LODESTORE_PATH: path }, quick: true }
    const { code, signal, stderr, said } = await runChild(join(__dirname, file), [phase], options)
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `${phase}: ${stderr}`)
    assert.match(stderr, advertises, phase)
    // A program whose events do not come ends, too.
    assert.deepEqual(said, [{ finished: phase }], `${phase} was left before its end`)
  }
}
