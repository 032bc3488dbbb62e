/** Cargo builds with a sanitizer, the C code included. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from './common.mjs'
import { hostTarget } from './toolchain.mjs'

/**
 * Environment and target directory of a build with a sanitizer (`address`, `thread`, or none).
 *
 * The flag is not stable in rustc, but the runtime libraries come with every toolchain, and
 * `RUSTC_BOOTSTRAP` allows it. The C compiler's own flag instruments LMDB and Zstandard; the hooks
 * that its code calls are the same ones, and in the runtime that rustc links.
 */
export function sanitizedBuild(sanitizer, { kind, flags = [] }) {
  const rust = [...flags, 'force-frame-pointers=yes'].map((flag) => `-C${flag}`)
  const c = ['-g', '-fno-omit-frame-pointer']
  if (sanitizer !== undefined) {
    rust.push(`-Zsanitizer=${sanitizer}`)
    c.push(`-fsanitize=${sanitizer}`)
  }
  const env = {
    ...process.env,
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: rust.join('\x1f'),
    [`CFLAGS_${hostTarget().replaceAll('-', '_')}`]: c.join(' '),
  }
  return { env, directory: join(root, 'target', `sanitize-${kind}`) }
}

/**
 * The arguments with which cargo builds the standard library, too, as ThreadSanitizer needs it.
 *
 * The one that comes with the toolchain keeps memory in order where ThreadSanitizer does not see it
 * (and `Arc` does it there by a fence, which it does not know), so that it reports as races what
 * channels, `Once` and `Arc` order.
 *
 * @throws {Failure} when the toolchain comes without the sources of the standard library
 */
export function standardLibraryBuild() {
  const { stdout } = run('rustc', ['--print', 'sysroot'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const library = join(stdout.trim(), 'lib', 'rustlib', 'src', 'rust', 'library')
  if (!existsSync(join(library, 'Cargo.lock'))) {
    throw new Failure(
      'ThreadSanitizer needs a standard library that has its checks, built from the sources, and ' +
        `${library} is not there: run \`rustup component add rust-src\`, then run this again.`,
    )
  }
  return ['-Zbuild-std']
}
