/**
 * Compares results of the public IndexedDB tests (web-platform-tests) with the pinned ones.
 *
 *     npm run wpt -- --results FILE [--update]
 *
 * The tests and what runs them are not part of this repository. Any runner does that writes
 * `{ "results": [{ "file": …, "state": …, "subtests": [{ "name": …, "status": … }] }] }`, with the
 * state `OK` of a file whose harness has come to its end, and the statuses of testharness.js:
 * `PASS`, `FAIL`, `TIMEOUT`, `NOTRUN`, `PRECONDITION_FAILED`, and `NA` for what needs a browser.
 * Results of the main thread and of worker threads are compared with the same list.
 *
 * `--update` pins the results that are given.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, readJson, root, runBin } from './lib/common.mjs'

const PINNED = join('__test__', 'indexeddb', 'wpt-results.json')

/** What a subtest that was expected has come to if there is no trace of it. */
const MISSING = 'MISSING'

/**
 * The status of each subtest, by file and name.
 *
 * @returns {Map<string, Map<string, string>>}
 */
function readResults(path) {
  let results
  try {
    ;({ results } = JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new Failure(`the results cannot be read: ${error.message}`)
  }
  if (!Array.isArray(results) || results.length === 0) throw new Failure(`${path} has no results`)
  const files = new Map()
  for (const { file, state, subtests } of results) {
    // What passed before a harness hung or crashed counts; what it did not come to is missing.
    const statuses = new Map(subtests.map(({ name, status }) => [name, status]))
    if (state !== 'OK') statuses.set('(the file as a whole)', state)
    files.set(file, statuses)
  }
  return files
}

/** The pinned ones, from lists of names by file and status. */
function readPinned() {
  const files = Object.entries(readJson(PINNED)).map(([file, lists]) => [
    file,
    new Map(
      Object.entries(lists).flatMap(([status, names]) => names.map((name) => [name, status])),
    ),
  ])
  return new Map(files)
}

function pin(files) {
  const pinned = {}
  for (const [file, statuses] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const lists = (pinned[file] = {})
    for (const [name, status] of statuses) (lists[status] ??= []).push(name)
  }
  writeFileSync(join(root, PINNED), JSON.stringify(pinned))
  runBin('prettier', ['--log-level', 'warn', '--write', PINNED])
}

/** How two lists differ: `[file, name, expected, seen]` of each subtest. */
function* differences(pinned, seen) {
  for (const file of new Set([...pinned.keys(), ...seen.keys()])) {
    const [expected, statuses] = [pinned.get(file) ?? new Map(), seen.get(file) ?? new Map()]
    for (const name of new Set([...expected.keys(), ...statuses.keys()])) {
      const before = expected.get(name) ?? MISSING
      const now = statuses.get(name) ?? MISSING
      if (before !== now) yield [file, name, before, now]
    }
  }
}

const count = (files) => [...files.values()].reduce((sum, { size }) => sum + size, 0)

await main(() => {
  const { values } = parseArgs({
    options: { results: { type: 'string' }, update: { type: 'boolean', default: false } },
  })
  if (values.results === undefined) throw new Failure('say --results FILE')
  const seen = readResults(values.results)
  if (values.update) {
    pin(seen)
    console.log(`${count(seen)} results of ${seen.size} files are pinned`)
    return
  }
  const pinned = readPinned()
  let worse = 0
  let better = 0
  for (const [file, name, before, now] of differences(pinned, seen)) {
    const isBetter = now === 'PASS'
    if (isBetter) better++
    else worse++
    console.log(`${isBetter ? 'better' : 'WORSE '}  ${file}: ${name}: ${before} → ${now}`)
  }
  console.log(`${count(seen)} results of ${seen.size} files: ${worse} worse, ${better} better`)
  if (worse > 0) throw new Failure(`${worse} results of web-platform-tests are worse than before`)
})
