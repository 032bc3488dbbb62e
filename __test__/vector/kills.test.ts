// Processes that write vectors are killed: afterwards searches find what is there.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { seed } from '../support/random'
import { runtime } from '../support/runtime'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { killWriters } from './kills'

const skip = (runtime !== 'node' && 'the engine is the same one') || unlessSealed(OWN_KEYS).skip

let library: string | undefined

before(async () => {
  if (skip) return
  const { faultLibrary } = await import('../../scripts/lib/fault-library.mjs')
  library = faultLibrary().library
})

test(`kills of writers of vectors (LODESTORE_SEED=${seed})`, { skip }, async (t) => {
  const outcomes = await killWriters({ seed, rounds: 18, library })
  t.diagnostic(JSON.stringify(outcomes))
  if (library !== undefined) assert.ok(outcomes.read > 0, 'a graph was read from its file')
})
