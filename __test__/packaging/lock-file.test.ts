import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/database'

const noCargo = spawnSync('cargo', ['--version']).status !== 0 && 'there is no cargo'

/** Writes a crate that depends on others beside it. */
async function writeCrate(path: string, name: string, dependencies: string[]): Promise<string> {
  const lines = dependencies.map((other) => `${other} = { path = "../${other}" }`)
  const manifest = join(path, name, 'Cargo.toml')
  await mkdir(join(path, name, 'src'), { recursive: true })
  await writeFile(join(path, name, 'src', 'lib.rs'), '')
  const about = `[package]\nname = "${name}"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n`
  await writeFile(manifest, `${about}[dependencies]\n${lines.join('\n')}\n`)
  return manifest
}

test('a lock file that lacks a dependency is found out', { skip: noCargo }, async (t) => {
  const { checkLockFile } = await import('../../scripts/lib/lock-file.mjs')
  const path = await temporaryDirectory(t)
  await writeCrate(path, 'leaf', [])
  await writeCrate(path, 'core', [])
  const outer = await writeCrate(path, 'outer', ['core'])
  const args = ['generate-lockfile', '--offline', '--manifest-path', outer]
  execFileSync('cargo', args, { stdio: 'ignore' })
  checkLockFile(outer)
  await writeCrate(path, 'core', ['leaf'])
  assert.throws(() => checkLockFile(outer), /Cargo\.lock[^]*`cargo update/)
  execFileSync('cargo', args, { stdio: 'ignore' })
  checkLockFile(outer)
})
