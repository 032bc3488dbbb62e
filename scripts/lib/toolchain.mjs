/** Checks that a native build is possible, and says in one sentence what to install if not. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, attempt, root, run } from './common.mjs'

/** The oldest Rust that the crate accepts, from its manifest. */
function minimumRust() {
  const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8')
  return /^rust-version = "([\d.]+)"/m.exec(manifest)[1]
}

function isOlder(version, minimum) {
  const [major, minor] = version.split('.').map(Number)
  const [minimumMajor, minimumMinor] = minimum.split('.').map(Number)
  return major < minimumMajor || (major === minimumMajor && minor < minimumMinor)
}

/** Whether cargo can be started. */
export function hasCargo() {
  return attempt('cargo', ['--version']).status === 0
}

/** The target that cargo builds for by default. */
export function hostTarget() {
  const { stdout } = run('rustc', ['-vV'], { stdio: ['ignore', 'pipe', 'inherit'] })
  return /^host: (.*)$/m.exec(stdout)[1]
}

/** @throws {Failure} when Rust or the C compiler is missing, or Rust too old */
export function requireToolchain() {
  const minimum = minimumRust()
  const rustc = hasCargo() ? attempt('rustc', ['--version']) : { status: 1 }
  const version = rustc.status === 0 ? /^rustc ([\d.]+)/.exec(rustc.stdout)?.[1] : undefined
  if (version === undefined) {
    throw new Failure(
      `the native library is built with Rust ${minimum} or newer, and there is no working cargo ` +
        'on the PATH: install Rust from https://rustup.rs and run this again.',
    )
  }
  if (isOlder(version, minimum)) {
    throw new Failure(
      `the native library needs Rust ${minimum} or newer, this is ${version}: ` +
        'run `rustup update stable`, then run this again.',
    )
  }
  // On Windows the compiler is not on the PATH: cargo finds it, or says what is missing.
  if (process.platform === 'win32') return
  requireCompiler(process.env.CC, 'cc')
}

function requireCompiler(chosen, usual) {
  const compiler = chosen || usual
  if (attempt(compiler, ['--version'], { shell: Boolean(chosen) }).status === 0) return
  const remedy =
    process.platform === 'darwin'
      ? 'run `xcode-select --install`'
      : 'install gcc and the headers of the C library (Debian, Ubuntu: ' +
        '`apt install build-essential`; Fedora: `dnf install gcc`; Alpine: ' +
        '`apk add build-base`)'
  throw new Failure(
    'the native library contains C code, and the C compiler ' +
      `\`${compiler}\` does not run: ${remedy} and run this again.`,
  )
}
