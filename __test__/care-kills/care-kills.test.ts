// Processes that care for databases are killed: what is there is the state before or after.

import { before, test } from 'node:test'
import { seed } from '../support/random'
import { runtime } from '../support/runtime'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { killCare } from './kills'

const skip = (runtime !== 'node' && 'the engine is the same one') || unlessSealed(OWN_KEYS).skip

let library: string | undefined

before(async () => {
  if (skip) return
  const { faultLibrary } = await import('../../scripts/lib/fault-library.mjs')
  library = faultLibrary().library
})

test(`kills of what cares for databases (LODESTORE_SEED=${seed})`, { skip }, async (t) => {
  const outcomes = await killCare({ seed, rounds: 52, library })
  t.diagnostic(JSON.stringify(outcomes))
})
