/**
 * Builds the native library in the checkout, and the generated `binding.js` and `binding.d.ts`.
 *
 *     node scripts/build.mjs [--profile release|ci|dev] [arguments of napi build]
 */

import './lib/require-node.mjs'

const { main } = await import('./lib/common.mjs')
const { buildNative, readProfile } = await import('./lib/native.mjs')
const { ensurePackages } = await import('./lib/setup.mjs')
const { requireToolchain } = await import('./lib/toolchain.mjs')

await main(() => {
  const { profile, rest } = readProfile(process.argv.slice(2))
  ensurePackages()
  requireToolchain()
  buildNative(profile, rest)
})
