import { test } from 'node:test'
import { open } from '../../index.js'
import { Random, seed } from '../support/random'
import { callsOf } from './calls.js'
import { WAYS, endProcesses } from './ends'

test(`processes end with every kind of call pending (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const first = random.below(WAYS.length)
  const pairs = Object.keys(callsOf(open, '', '')).map((call, i): [string, string] => {
    return [call, WAYS[(first + i) % WAYS.length]!]
  })
  const settled = await endProcesses({ seed, pairs })
  t.diagnostic(`${pairs.length} processes, in ${settled} of which the call was done`)
})
