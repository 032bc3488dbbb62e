/** Cargo builds with a sanitizer, the C code included. */

import { join } from 'node:path'
import { root } from './common.mjs'
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
  // The standard library is not instrumented, and rustc asks whether that is meant.
  if (sanitizer === 'thread') rust.push('-Cunsafe-allow-abi-mismatch=sanitizer')
  const env = {
    ...process.env,
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: rust.join('\x1f'),
    [`CFLAGS_${hostTarget().replaceAll('-', '_')}`]: c.join(' '),
  }
  return { env, directory: join(root, 'target', `sanitize-${kind}`) }
}
