/**
 * Makes a checkout ready to run: npm packages, then the native library, each only when it is
 * missing or out of date.
 *
 *     node scripts/setup.mjs [--profile release|ci|dev]
 */

import './lib/require-node.mjs'

const { main } = await import('./lib/common.mjs')
const { setUp } = await import('./lib/setup.mjs')
const { readProfile } = await import('./lib/native.mjs')

await main(() => setUp(readProfile(process.argv.slice(2)).profile))
