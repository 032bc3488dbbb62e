import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../support/random'
import { changeSchema } from './schema'

test(`others use what a process changes (LODESTORE_SEED=${seed})`, async (t) => {
  const { done, gone } = await changeSchema({ seed, changes: 120, processes: 2 })
  t.diagnostic(`${done} operations of others were done, ${gone} found that something was gone`)
  assert.ok(done > 100 && gone > 10)
})
