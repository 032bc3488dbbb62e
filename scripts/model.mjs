// Runs random operations on databases and on a model in memory, and compares them.
//
//   node --import tsx scripts/model.mjs [--ops 1000000]
//
// A run that fails is shrunk to the fewest steps that fail, too. LODESTORE_SEED replays a run.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { checkModel } = require('../__test__/model/check.ts')
const { seed } = require('../__test__/support/random.ts')

const { values } = parseArgs({ options: { ops: { type: 'string', default: '1000000' } } })
const wanted = Number(values.ops)
const begun = performance.now()
const seconds = () => ((performance.now() - begun) / 1000).toFixed(0)

console.log(`LODESTORE_SEED=${seed}`)
const { steps, operations } = await checkModel({
  seed,
  operations: wanted,
  onProgress: (done) => console.log(`${done} operations, ${seconds()} s`),
  shrinkTime: 600_000,
})
console.log(`${operations} operations in ${steps} steps, ${seconds()} s: no difference`)
