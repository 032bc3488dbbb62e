import { test } from 'node:test'
import { seed } from '../support/random'
import { checkModel } from './check'

const OPERATIONS = 100_000

const NAME = `${OPERATIONS} random operations do what a model does (LODESTORE_SEED=${seed})`

test(NAME, async (t) => {
  const { steps, operations } = await checkModel({ seed, operations: OPERATIONS })
  t.diagnostic(`${operations} operations in ${steps} steps`)
})
