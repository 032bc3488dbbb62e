/** The native library of this checkout: where it is, whether it is current, how it is built. */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import platform from '../../lib/platform.js'
import { Failure, readJson, root, runBin } from './common.mjs'

/** The cargo profiles that the native library is built with, as `napi build` wants them named. */
const PROFILES = new Map([
  ['release', ['--release']],
  ['ci', ['--profile=ci']],
  ['dev', []],
])

/** Where the library is, and where the generated loader looks first. */
export const nativePath = join(root, `lodestore.${platform.hostPlatform().name}.node`)

/** Where `napi build` writes. */
const outputDirectory = join(root, '.cache', 'native')

/** Where the last build is recorded. */
const recordPath = join(root, '.cache', 'native-build.json')

/** What a change of which calls for a new build. */
const SOURCES = ['Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo', 'rust-toolchain.toml', 'src']

/**
 * Takes `--profile <name>` out of a command line.
 *
 * @returns {{ profile: string, rest: string[] }} the profile, `release` by default, and the rest
 */
export function readProfile(args) {
  const at = args.indexOf('--profile')
  if (at === -1) return { profile: 'release', rest: args }
  const profile = args[at + 1]
  if (!PROFILES.has(profile)) {
    throw new Failure(`--profile is one of ${[...PROFILES.keys()].join(', ')}, not ${profile}`)
  }
  return { profile, rest: args.toSpliced(at, 2) }
}

function* filesUnder(path) {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return
  if (!status.isDirectory()) {
    yield path
    return
  }
  for (const name of readdirSync(path).toSorted()) yield* filesUnder(join(path, name))
}

/** A hash over everything that decides what the library contains. */
export function fingerprint(profile) {
  const { version, napi } = readJson('package.json')
  const hash = createHash('sha256')
  const flags = [process.env.RUSTFLAGS, process.env.CFLAGS, process.env.CC]
  hash.update(JSON.stringify([profile, nativePath, version, napi, flags]))
  for (const source of SOURCES) {
    for (const file of filesUnder(join(root, source))) {
      const content = readFileSync(file)
      hash.update(`\0${relative(root, file)}\0${content.length}\0`)
      hash.update(content)
    }
  }
  return hash.digest('hex')
}

function stateOfLibrary() {
  const { size, mtimeMs } = statSync(nativePath)
  return { size, mtimeMs }
}

/** Whether the library in place was built with this profile from the sources as they are. */
export function isNativeCurrent(profile) {
  if (!existsSync(nativePath) || !existsSync(recordPath)) return false
  const record = JSON.parse(readFileSync(recordPath, 'utf8'))
  const { size, mtimeMs } = stateOfLibrary()
  return (
    record.size === size &&
    record.mtimeMs === mtimeMs &&
    record.fingerprint === fingerprint(profile)
  )
}

/**
 * Builds the library, `binding.js` and `binding.d.ts`.
 *
 * @param {string} profile one of `release`, `ci`, `dev`
 * @param {string[]} [extra] further arguments of `napi build`, for example `--target …`
 */
export function buildNative(profile, extra = []) {
  const built = fingerprint(profile)
  rmSync(recordPath, { force: true })
  runBin('@napi-rs/cli', [
    'build',
    '--platform',
    ...PROFILES.get(profile),
    '--js=binding.js',
    '--dts=binding.d.ts',
    ...(extra.length > 0 ? extra : [`--output-dir=${outputDirectory}`]),
    '--',
    '--locked',
  ])
  if (extra.length > 0) return
  // A library that a process has mapped must not be written to: the new one takes its name.
  for (const name of readdirSync(outputDirectory)) {
    renameSync(join(outputDirectory, name), join(root, name))
  }
  if (!existsSync(nativePath)) throw new Failure(`the build made no ${nativePath}`)
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(recordPath, JSON.stringify({ fingerprint: built, ...stateOfLibrary() }))
}
