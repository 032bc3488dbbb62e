/**
 * The gate: sets the checkout up, then checks everything that continuous integration checks.
 *
 *     node scripts/ready.mjs [--only step,step] [--list]
 */

import './lib/require-node.mjs'

const { main } = await import('./lib/common.mjs')
const { ready } = await import('./lib/gate.mjs')

await main(() => ready(process.argv.slice(2)))
