/**
 * Carries the version of package.json to every place that states it. `npm version` runs it, and
 * commits what it changed.
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, readJson, root, run } from './lib/common.mjs'
import { buildNative } from './lib/native.mjs'

function replaceIn(file, pattern, replacement) {
  const path = join(root, file)
  writeFileSync(path, readFileSync(path, 'utf8').replace(pattern, replacement))
}

await main(() => {
  const { version } = readJson('package.json')
  replaceIn('Cargo.toml', /^version = ".*"/m, `version = "${version}"`)
  replaceIn('Cargo.lock', /(name = "lodestore"\nversion = )".*"/, `$1"${version}"`)
  for (const platform of readdirSync(join(root, 'npm'))) {
    replaceIn(join('npm', platform, 'package.json'), /"version": ".*"/, `"version": "${version}"`)
  }
  // The generated loader states the version, too.
  buildNative('dev')
  run('git', ['add', 'Cargo.toml', 'Cargo.lock', 'npm', 'binding.js', 'binding.d.ts'])
})
