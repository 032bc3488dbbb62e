/**
 * Runs the engine tests under a sanitizer, or valgrind.
 *
 *     npm run sanitize -- [address|thread|valgrind] [arguments of cargo test]
 *
 * `address` (the default) is AddressSanitizer with its leak detector, `thread` is ThreadSanitizer;
 * both have LMDB and Zstandard instrumented as well. `valgrind` is memcheck on plain builds, for
 * what the sanitizers do not see: values that were never set.
 *
 * ThreadSanitizer needs the sources of the standard library (`rustup component add rust-src`),
 * which is built with its checks.
 */

import { join } from 'node:path'
import { Failure, attempt, main, root, run } from './lib/common.mjs'
import { sanitizedBuild, standardLibraryBuild } from './lib/sanitizer.mjs'
import { hostTarget, requireToolchain } from './lib/toolchain.mjs'

/** As the gate's: optimised, with all assertions. */
const TESTS = ['test', '--locked', '--profile', 'ci', '--no-default-features']

const suppressions = join(root, 'scripts', 'lib', 'thread-sanitizer.supp')

/** What each tool is told. A report makes the test program fail, if not the test. */
const OPTIONS = {
  address: { ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1' },
  thread: { TSAN_OPTIONS: `suppressions=${suppressions}:history_size=4:second_deadlock_stack=1` },
}

function sanitize(sanitizer, args) {
  const { env, directory } = sanitizedBuild(sanitizer, { kind: sanitizer })
  const place = ['--target', hostTarget(), '--target-dir', directory]
  const library = sanitizer === 'thread' ? standardLibraryBuild() : []
  const tests = args.length > 0 ? args : ['--no-fail-fast', '--lib', '--tests']
  run('cargo', [...TESTS, ...place, ...library, ...tests], {
    env: { ...env, ...OPTIONS[sanitizer] },
  })
}

/**
 * Tests that are content with 4 GiB of address space: valgrind has no 64 GiB for the map that an
 * open reserves by default.
 */
const VALGRIND_TESTS = ['--test', 'store_index', '--test', 'store_check', '--test', 'read_requests']

function memcheck(args) {
  if (attempt('valgrind', ['--version']).status !== 0) {
    throw new Failure('valgrind is not installed (Debian, Ubuntu: `apt install valgrind`)')
  }
  const runner = `CARGO_TARGET_${hostTarget().toUpperCase().replaceAll('-', '_')}_RUNNER`
  const options = '--error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'
  const env = { ...process.env, [runner]: `valgrind --quiet --fair-sched=yes ${options}` }
  const place = ['--target', hostTarget()]
  run('cargo', [...TESTS, ...place, ...(args.length > 0 ? args : VALGRIND_TESTS)], { env })
}

await main(() => {
  const [tool = 'address', ...args] = process.argv.slice(2)
  requireToolchain()
  if (tool === 'valgrind') memcheck(args)
  else if (tool in OPTIONS) sanitize(tool, args)
  else throw new Failure(`there is no tool ${tool}, only: address, thread, valgrind`)
})
