// Runs random operations on sealed trees and on ordered maps, and compares them: with the engine's
// own test, for longer than the gate does.
//
//   node scripts/sealed-model.mjs [--ops 1000000]
//
// LODESTORE_SEED replays a run.

import { parseArgs } from 'node:util'
import { main, run } from './lib/common.mjs'
import { hostTarget } from './lib/toolchain.mjs'

const { values } = parseArgs({ options: { ops: { type: 'string', default: '1000000' } } })
const test = 'storage::sealed::tests::model::behaves_as_ordered_maps'

const env = {
  ...process.env,
  CARGO_BUILD_TARGET: hostTarget(),
  LODESTORE_OPERATIONS: values.ops,
}

await main(() =>
  run(
    'cargo',
    ['test', '--locked', '--profile', 'ci', '--lib', '--', '--exact', test, '--nocapture'],
    { env },
  ),
)
