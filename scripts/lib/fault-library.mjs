/**
 * The native library with the feature `fault-points` (see `src/fault.rs`), for the crash test only.
 *
 * It is built from a manifest of its own, as a package of another name: cargo gives the outputs of
 * a library no name of their own for each set of features, so that one would take the other's
 * place. Dependencies are shared with the gate's builds, which use the same profile.
 */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from './common.mjs'
import { fingerprint } from './native.mjs'
import { hasCargo, hostTarget, requireToolchain } from './toolchain.mjs'

const PROFILE = 'ci'
const folder = join(root, '.cache', 'fault')
const recordPath = join(folder, 'build.json')

/** Where the library is; the generated loader takes it from NAPI_RS_NATIVE_LIBRARY_PATH. */
export const faultLibraryPath = join(folder, 'lodestore-fault.node')

/** What the manifest takes over from the crate's own: not benches, lints, workspace. */
const SECTIONS = /^\[(package|lib|features|([^\]]+[.-])?dependencies(\.[^\]]+)?|profile\.[^\]]+)\]/

/** The manifest of the crate, for the same sources as another package with the feature on. */
function manifest() {
  const text = readFileSync(join(root, 'Cargo.toml'), 'utf8')
  const sections = text.split(/^(?=\[)/m).filter((section) => SECTIONS.test(section))
  const changes = [
    [/^name = "lodestore"$/m, 'name = "lodestore-fault"\nbuild = "../../build.rs"'],
    [/^crate-type = .*$/m, 'path = "../../src/lib.rs"\ncrate-type = ["cdylib"]'],
    [/^default = \[/m, 'default = ["fault-points", '],
  ]
  const changed = changes.reduce((before, [pattern, replacement]) => {
    if (!pattern.test(before)) throw new Failure(`Cargo.toml has no ${pattern}`)
    return before.replace(pattern, replacement)
  }, sections.join(''))
  // Quick to build; what the dependencies are built with must not change.
  const quick = `[profile.${PROFILE}.package.lodestore-fault]\nopt-level = 1\ndebug = false\n`
  return `${changed}\n${quick}\n[workspace]\n`
}

/** The same versions; cargo leaves out what this manifest does not need. */
function lockFile() {
  const text = readFileSync(join(root, 'Cargo.lock'), 'utf8')
  return text.replace('name = "lodestore"\n', 'name = "lodestore-fault"\n')
}

/** Everything that decides what the library contains. */
const record = () => JSON.stringify({ fingerprint: fingerprint(PROFILE), manifest: manifest() })

function isCurrent() {
  if (!existsSync(faultLibraryPath) || !existsSync(recordPath)) return false
  return readFileSync(recordPath, 'utf8') === record()
}

function build() {
  const built = record()
  const target = hostTarget()
  const directory = join(root, 'target')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'Cargo.toml'), manifest())
  writeFileSync(join(folder, 'Cargo.lock'), lockFile())
  const manifestPath = join(folder, 'Cargo.toml')
  run('cargo', ['build', '--lib', '--profile', PROFILE, '--manifest-path', manifestPath], {
    env: { ...process.env, CARGO_BUILD_TARGET: target, CARGO_TARGET_DIR: directory },
  })
  const made = join(directory, target, PROFILE, 'liblodestore_fault.so')
  // A library that a process has mapped must not be written to: the new one takes its name.
  copyFileSync(made, `${faultLibraryPath}.new`)
  renameSync(`${faultLibraryPath}.new`, faultLibraryPath)
  writeFileSync(recordPath, built)
}

/** Why there can be no such library here; undefined if there can. */
export function whyNoFaultLibrary() {
  if (process.platform !== 'linux') return 'points in a commit are reached on Linux only'
  if (!hasCargo()) return 'there is no cargo to build the library with fault points'
  return undefined
}

/** Builds the library, unless the one in place was built from these sources. */
export function ensureFaultLibrary() {
  if (isCurrent()) return
  requireToolchain()
  console.log('lodestore: building the native library with fault points …')
  build()
}

/**
 * Builds the library, if there can be one.
 *
 * @returns {{ library: string | undefined, reason: string | undefined }} its path, or why not
 */
export function faultLibrary() {
  const reason = whyNoFaultLibrary()
  if (reason !== undefined) return { library: undefined, reason }
  ensureFaultLibrary()
  return { library: faultLibraryPath, reason }
}
