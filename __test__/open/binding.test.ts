import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/database'
import { hostPlatform } from '../../lib/platform.js'

const root = join(__dirname, '..', '..')

/** What requiring a copy of the package in `folder` says. */
function requireCopy(folder: string): string {
  const script = `
    try {
      require('./index.js')
      console.log('loaded')
    } catch ({ name, code, message }) {
      console.log(name, code, message)
    }`
  const options = { cwd: folder, encoding: 'utf8' } as const
  return spawnSync(process.execPath, ['-e', script], options).stdout
}

test('a native library that is missing or of another version fails at require', async (t) => {
  const folder = await temporaryDirectory(t)
  for (const file of ['package.json', 'binding.js', 'index.js', 'lib']) {
    cpSync(join(root, file), join(folder, file), { recursive: true })
  }
  const name = `lodestore-${hostPlatform().name}`
  assert.match(requireCopy(folder), /^LodestoreError UNSUPPORTED .* is not installed/)

  const library = join(folder, 'node_modules', name)
  mkdirSync(library, { recursive: true })
  const manifest = { name, version: '0.0.99', main: 'index.js' }
  writeFileSync(join(library, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(library, 'index.js'), "exports.nativeVersion = () => '0.0.99'\n")
  assert.match(requireCopy(folder), /^LodestoreError ABI_MISMATCH .*0\.0\.99/)
})
