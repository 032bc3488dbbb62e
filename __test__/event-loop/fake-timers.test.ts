// Tests of programs replace the timers by some that run only when they are told to.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { runChild } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { runtime } from '../support/runtime'

const PROGRAM = join(__dirname, 'fake-timers.ts')

/** Who replaces the timers: `node:test`, or a library that replaces the global ones. */
const replacements = {
  'the global timers': undefined,
  'the timers of node:test':
    runtime === 'deno' && 'in Deno, they replace those that were taken before as well',
}

for (const [what, skip] of Object.entries(replacements)) {
  test(`${what}: calls go on, and hold nothing back`, { skip }, async (t) => {
    const path = await temporaryDirectory(t)
    await (await open(path, { stores: { s: { keyPath: 'id' } } })).close()
    const { code, said, stderr } = await runChild(PROGRAM, [path, what])
    assert.equal(code, 0, stderr)
    assert.deepEqual(said, [{ before: 0, after: 400, scanned: 400, readers: 0 }])
  })
}
