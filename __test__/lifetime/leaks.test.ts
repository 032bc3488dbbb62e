import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runChild } from '../support/child'
import { temporaryDirectory } from '../support/database'

const PROGRAM = join(__dirname, 'leaks.ts')

for (const scenario of [
  'snapshots',
  'cursors',
  'iterators',
  'queries',
  'transactions',
  'writers',
  'unfinished functions',
  'databases',
  'everything',
]) {
  test(`leaked ${scenario} are collected`, async (t) => {
    const args = [await temporaryDirectory(t), scenario]
    const child = await runChild(PROGRAM, args, { nodeArgs: ['--expose-gc'] })
    assert.equal(child.code, 0, child.stderr || `${child.signal}`)
    t.diagnostic(JSON.stringify(child.said.at(-1)))
  })
}
