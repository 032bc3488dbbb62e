import { test } from 'node:test'
import { open } from '../../index.js'
import { seed } from '../support/random'
import { callsOf } from './calls.js'
import { terminateThreads } from './terminate'

test(`threads are terminated in every kind of call (LODESTORE_SEED=${seed})`, async (t) => {
  const calls = Object.keys(callsOf(open, '', ''))
  const killed = await terminateThreads({ seed, calls, times: 1 })
  t.diagnostic(`${killed} threads, ${calls.length} kinds of calls`)
})
