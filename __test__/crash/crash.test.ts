import { test } from 'node:test'
import { seed } from '../support/random'
import { killWriters } from './cycles'

const CYCLES = 15

test(`nothing acknowledged is lost in ${CYCLES} kills (LODESTORE_SEED=${seed})`, async (t) => {
  const acknowledged = await killWriters({ seed, cycles: CYCLES })
  t.diagnostic(`${acknowledged} operations were acknowledged`)
})
