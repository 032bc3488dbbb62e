/**
 * Runs the JavaScript tests against the native library that is in place.
 *
 *     node scripts/test-js.mjs [file or folder …] [options of node --test]
 */

import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { Failure, isMain, main, root, run } from './lib/common.mjs'

/** A test that takes longer than this hangs. */
const TIMEOUT_MS = 600_000

/** The test files at or under a path, in a stable order. */
export function testFiles(path) {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .toSorted()
    .map((name) => join(path, name))
}

/** Runs the tests at `paths`; node prints their counts last. */
export function runTests(paths = ['__test__'], options = []) {
  const files = paths.flatMap((path) => testFiles(join(root, path)))
  if (files.length === 0) throw new Failure(`there are no tests at ${paths.join(', ')}`)
  run(process.execPath, [
    '--import=tsx',
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${TIMEOUT_MS}`,
    ...options,
    ...files.map((file) => relative(root, file)),
  ])
}

if (isMain(import.meta.url)) {
  const args = process.argv.slice(2)
  const paths = args.filter((arg) => !arg.startsWith('-'))
  await main(() =>
    runTests(
      paths.length > 0 ? paths : undefined,
      args.filter((arg) => arg.startsWith('-')),
    ),
  )
}
