// One transaction over many documents: all or none, in bounded memory.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const SCRIPT = join(__dirname, '..', '..', 'scripts', 'update-many.mjs')
const COUNT = 50_000

test('one update of many documents is done whole, in batches in little memory', async (t) => {
  const args = ['--expose-gc', SCRIPT, '--docs', String(COUNT), '--bytes', '1000']
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal: t.signal })
  for (const line of stdout.trimEnd().split('\n')) t.diagnostic(line)
  const once = JSON.parse(/one transaction: (\{.*?\})/.exec(stdout)![1]!)
  assert.deepEqual(once, { matched: COUNT, modified: COUNT })
  const [, batches] = /batches of \d+: .* (\d+) MiB/.exec(stdout)!
  assert.ok(Number(batches) < 100, `${batches} MiB for batches`)
})
