/**
 * Makes the main package depend on the platform packages of its own version, right before it is
 * published. They are not in the checkout's package.json: there they would have to exist on npm
 * before `npm ci` could work, and a version could never be released.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import platform from '../lib/platform.js'
import { main, readJson, root } from './lib/common.mjs'

await main(() => {
  const manifest = readJson('package.json')
  manifest.optionalDependencies = Object.fromEntries(
    platform.SUPPORTED_PLATFORMS.map((name) => [`lodestore-${name}`, manifest.version]),
  )
  writeFileSync(join(root, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
})
