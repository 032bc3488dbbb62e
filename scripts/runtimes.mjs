/**
 * Runs the JavaScript tests in other runtimes: installs those that are missing, and prints how many
 * tests passed in each, and why some were skipped.
 *
 *     node scripts/runtimes.mjs [--only node-22,bun] [file or folder of tests …]
 */

import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, root } from './lib/common.mjs'
import { testFiles } from './test-js.mjs'
import { ensureRuntimes } from './runtimes/install.mjs'
import { restrictedEnvironment } from './runtimes/restrict.mjs'
import { sum } from './runtimes/results.mjs'
import { runFiles } from './runtimes/run.mjs'
import { programOf, RUNTIMES, versionOf } from './runtimes/runtimes.mjs'
import { explainSkips } from './runtimes/skips.mjs'

/** The runtimes that `--only` names; all by default. */
function select(only) {
  if (only === undefined) return RUNTIMES
  const names = only.split(',')
  const known = RUNTIMES.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new Failure(`there is no runtime ${unknown}, only: ${known.join(', ')}`)
  }
  return RUNTIMES.filter(({ name }) => names.includes(name))
}

/** Tests that install packages use this Node.js and its npm, whatever runtime they run in. */
function toolEnvironment() {
  const beside = dirname(realpathSync(process.execPath))
  const cli = join('node_modules', 'npm', 'bin', 'npm-cli.js')
  const places = [process.env.npm_execpath, join(beside, '..', 'lib', cli), join(beside, cli)]
  const npm = places.find((place) => place?.endsWith('npm-cli.js') && existsSync(place))
  if (npm === undefined) throw new Failure(`there is no npm beside ${process.execPath}`)
  return { npm_node_execpath: process.execPath, npm_execpath: npm }
}

async function runRuntime(runtime, files, tools) {
  const program = programOf(runtime)
  if (program === undefined) {
    throw new Failure(`${runtime.name} has no program for ${process.platform} ${process.arch}`)
  }
  const restricted = runtime.restricted ? restrictedEnvironment(program) : {}
  const begun = performance.now()
  const results = await runFiles(runtime, program, files, { ...tools, ...restricted })
  const seconds = Math.round((performance.now() - begun) / 1000)
  return { runtime, results, seconds, counts: sum(results.values()) }
}

function printTable(rows) {
  const columns = ['passed', 'failed', 'skipped', 'seconds']
  console.log(`\n${'runtime'.padEnd(12)}${'version'.padEnd(10)}${columns.join('  ')}`)
  for (const { runtime, counts, seconds } of rows) {
    const cells = [counts.passed, counts.failed, counts.skipped, seconds]
    const texts = cells.map((cell, i) => String(cell).padStart(columns[i].length))
    console.log(`${runtime.name.padEnd(12)}${versionOf(runtime).padEnd(10)}${texts.join('  ')}`)
  }
}

/** A runtime that leaves tests out must say that it skips them. */
function* missingTests(files, rows) {
  const total = ({ passed, failed, skipped }) => passed + failed + skipped
  for (const file of files) {
    const totals = rows.map(({ runtime, results }) => [runtime.name, total(results.get(file))])
    if (new Set(totals.map(([, count]) => count)).size === 1) continue
    yield `${file} has ${totals.map(([name, count]) => `${count} tests in ${name}`).join(', ')}`
  }
}

await main(async () => {
  const options = { only: { type: 'string' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const runtimes = select(values.only)
  const paths = positionals.length > 0 ? positionals : ['__test__']
  const files = paths
    .flatMap((path) => testFiles(join(root, path)))
    .map((file) => relative(root, file).replaceAll('\\', '/'))
  if (files.length === 0) throw new Failure(`there are no tests at ${paths.join(', ')}`)
  ensureRuntimes()
  const tools = toolEnvironment()
  const rows = []
  for (const runtime of runtimes) {
    console.log(`\n── ${runtime.name}`)
    rows.push(await runRuntime(runtime, files, tools))
  }
  printTable(rows)
  const skips = rows.flatMap(({ runtime, results }) => explainSkips(runtime, results))
  if (skips.length > 0) console.log(`\n${skips.join('\n')}`)
  const missing = [...missingTests(files, rows)]
  for (const message of missing) console.error(`lodestore: ${message}`)
  const failed = rows.filter(({ counts }) => counts.failed > 0).map(({ runtime }) => runtime.name)
  if (failed.length > 0) throw new Failure(`tests failed in ${failed.join(', ')}`)
  if (missing.length > 0) throw new Failure('the runtimes do not run the same tests')
})
