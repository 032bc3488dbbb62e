// Mixed work for some time, in a process whose memory must not grow.
//
//   npm run leaks -- [--seconds 600]
//
// LODESTORE_SEED repeats the choices of a run.

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { Failure, main } from './lib/common.mjs'
import { setUp } from './lib/setup.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })

await main(async () => {
  setUp('release')
  const require = createRequire(import.meta.url)
  const { describe, measure } = require('../__test__/leaks/check.ts')
  const { seed } = require('../__test__/support/random.ts')
  console.log(`LODESTORE_SEED=${seed}`)
  const measured = await measure(Number(values.seconds))
  console.log(describe(measured))
  if (measured.leaks) throw new Failure('memory grows')
})
