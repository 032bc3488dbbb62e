import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { hostPlatform } from '../../lib/platform.js'

const root = join(__dirname, '..', '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const host = hostPlatform()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lodestore-binding-'))
  mkdirSync(join(folder, 'lib'))
  for (const file of [
    'package.json',
    'binding.js',
    'lib/binding.js',
    'lib/platform.js',
    'lib/errors.js',
  ]) {
    cpSync(join(root, file), join(folder, file))
  }
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Loads the copied binding in a process of its own and reports how that failed. */
function loadFailure(prelude = ''): { code: string; message: string; cause: boolean } {
  const script = `${prelude}
    try {
      require('./lib/binding.js')
    } catch (error) {
      const { code, message, cause } = error
      console.log(JSON.stringify({ code, message, cause: cause instanceof Error }))
    }`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.notEqual(stdout, '', `the binding loaded: ${stderr}`)
  return JSON.parse(stdout)
}

test('a missing library is one error that names the platform and the package to install', () => {
  const { code, message, cause } = loadFailure()
  assert.equal(code, 'UNSUPPORTED')
  assert.ok(message.includes(host.label), message)
  assert.ok(message.includes(`npm install lodestore-${host.name}@${version}`), message)
  assert.equal(cause, true)
})

test('in a source checkout the error says to build', () => {
  writeFileSync(join(folder, 'Cargo.toml'), '')
  assert.match(loadFailure().message, /build it with `npm run build`/)
})

test('a platform without a library is named, with those that have one', () => {
  const { code, message } = loadFailure(
    "Object.defineProperty(process, 'platform', { value: 'aix' })\n" +
      "Object.defineProperty(process, 'arch', { value: 'ppc64' })",
  )
  assert.equal(code, 'UNSUPPORTED')
  assert.match(message, /no native library for aix ppc64, only for: .*linux-x64-gnu/)
})

test('a library that cannot be loaded is an error with the reason', () => {
  writeFileSync(join(folder, `lodestore.${host.name}.node`), 'not a library')
  const { code, message } = loadFailure()
  assert.equal(code, 'UNSUPPORTED')
  assert.ok(
    message.startsWith(`The native library for ${host.label} could not be loaded: `),
    message,
  )
  assert.ok(message.includes(`lodestore.${host.name}.node`), message)
})

test('a library of another version is refused', () => {
  const name = `lodestore-${host.name}`
  mkdirSync(join(folder, 'node_modules', name), { recursive: true })
  const manifest = { name, version: '0.0.99', main: 'index.js' }
  writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify(manifest))
  const index = join(folder, 'node_modules', name, 'index.js')
  writeFileSync(index, "exports.nativeVersion = () => '0.0.99'\n")
  const { code, message } = loadFailure()
  assert.equal(code, 'ABI_MISMATCH')
  assert.ok(message.includes('0.0.99') && message.includes(version), message)

  writeFileSync(index, 'exports.other = 1\n')
  assert.equal(loadFailure().code, 'ABI_MISMATCH')
})

test('the library in the checkout loads', () => {
  const { nativeVersion } = require('../../lib/binding.js')
  assert.equal(nativeVersion(), version)
})
