/**
 * Runs the tests on encrypted databases: those of the engine, and the JavaScript ones against the
 * native library that is in place.
 *
 *     node scripts/test-sealed.mjs [--only rust,js] [file or folder of JavaScript tests …]
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMain, main, root, run } from './lib/common.mjs'
import { hostTarget } from './lib/toolchain.mjs'
import { runTests } from './test-js.mjs'

/** The tests of the engine that run on databases of either kind. */
const RUST_TESTS = [
  'collated_index',
  'query_laws',
  'query_nearest',
  'query_pipelines',
  'query_planner',
  'read_model',
  'read_requests',
  'storage_care',
  'storage_open',
  'storage_session',
  'storage_threads',
  'storage_writer',
  'store_batch',
  'store_build',
  'store_check',
  'store_index',
  'store_model',
  'store_pending',
  'store_schema',
  'store_update',
  'store_vectors',
  'store_write',
  'tree_model',
]

/** Those of the gate: models, and what is nearest to the trees. */
const RUST_TESTS_OF_THE_GATE = [
  'query_laws',
  'read_model',
  'storage_threads',
  'storage_writer',
  'store_build',
  'store_model',
  'tree_model',
]

/** Tests in them that count or change LMDB's entries, which are others in an encrypted database. */
const SKIPPED_RUST_TESTS = [
  'a_backup_is_whole_and_includes_spaces',
  'a_cancelled_backup_leaves_nothing',
  'bytes_are_as_documented',
  'damaged_buckets_give_corrupt_and_never_panic',
  'parts_merge_and_vanish',
  'sweeping_in_the_transaction_that_drops',
  'what_is_dropped_or_cleared_is_swept',
]

const JS_TESTS_OF_THE_GATE = [
  '__test__/model',
  '__test__/query/mingo',
  '__test__/store',
  '__test__/transaction',
]
/** Of these, the tests in which nothing is lost; not those in which a defect is to be found. */
const CRASH_TESTS = ['__test__/crash/crash.test.ts', '__test__/power-loss/power-loss.test.ts']
const CRASH_PATTERN = '--test-name-pattern=random moments|named points|strict commits'

function rustTests(names) {
  const env = { ...process.env, CARGO_BUILD_TARGET: hostTarget(), LODESTORE_TEST_SEALED: '1' }
  const tests = names.flatMap((name) => ['--test', name])
  const skipped = SKIPPED_RUST_TESTS.flatMap((name) => ['--skip', name])
  run('cargo', ['test', '--locked', '--profile', 'ci', ...tests, '--', ...skipped], { env })
}

function javaScriptTests(paths, options) {
  const hook = JSON.stringify(join(root, '__test__', 'support', 'sealed.cjs'))
  const { NODE_OPTIONS = '' } = process.env
  process.env.NODE_OPTIONS = `${NODE_OPTIONS} --require=${hook}`.trim()
  try {
    runTests(paths, options)
  } finally {
    process.env.NODE_OPTIONS = NODE_OPTIONS
  }
}

/** What the gate runs. */
export function runGateTests() {
  rustTests(RUST_TESTS_OF_THE_GATE)
  javaScriptTests(JS_TESTS_OF_THE_GATE)
  process.env.LODESTORE_CRASH_CYCLES = '1'
  javaScriptTests(CRASH_TESTS, [CRASH_PATTERN])
  // The steps that come after kill as often as ever.
  delete process.env.LODESTORE_CRASH_CYCLES
}

if (isMain(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { only: { type: 'string', default: 'rust,js' } },
    allowPositionals: true,
  })
  const parts = values.only.split(',')
  await main(() => {
    if (parts.includes('rust')) rustTests(RUST_TESTS)
    if (parts.includes('js')) javaScriptTests(positionals.length > 0 ? positionals : undefined)
  })
}
