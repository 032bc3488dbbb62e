import { test } from 'node:test'
import { open } from '../../index.js'
import { seed } from '../support/random'
import { callsOf } from './calls.js'
import { raceWithClose } from './close-race'

test(`every kind of call races with close (LODESTORE_SEED=${seed})`, async (t) => {
  // A database that is only forgotten keeps its files until it is collected: see leaks.test.ts.
  const calls = Object.keys(callsOf(open, '', '')).filter((call) => !call.includes('not closed'))
  t.diagnostic(`${await raceWithClose({ seed, calls })} races`)
})
