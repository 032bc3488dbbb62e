import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { seed } from './random'

const INPUTS = 50_000
const root = join(__dirname, '..', '..')

test(`damaged documents are CORRUPT or have one value (LODESTORE_SEED=${seed})`, () => {
  const run = spawnSync(
    process.execPath,
    ['--import', 'tsx', join('scripts', 'fuzz-codec.mjs'), String(INPUTS)],
    { cwd: root, encoding: 'utf8', env: { ...process.env, LODESTORE_SEED: String(seed) } },
  )
  assert.equal(run.status, 0, run.stderr)
  assert.match(run.stdout, new RegExp(`^LODESTORE_SEED=${seed}\n${INPUTS} inputs: \\d+ corrupt`))
})
