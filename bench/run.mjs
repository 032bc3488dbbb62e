/** Lodestore and its peers, the same work, side by side. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chart } from './lib/chart.mjs'
import { judge } from './lib/goals.mjs'
import { growthOf } from './lib/growth.mjs'
import { install } from './lib/install.mjs'
import { parse, UsageError } from './lib/options.mjs'
import { writeSection } from './lib/readme.mjs'
import { report } from './lib/report.mjs'
import { Runner } from './lib/runner.mjs'
import { summariseAll } from './lib/summary.mjs'
import { offersApi, PEERS } from './peers/index.mjs'
import { GROUPS, WORKLOADS } from './workloads/index.mjs'

const directory = fileURLToPath(new URL('.', import.meta.url))
/** Passes over sets that only show how costs grow, and the part of the time that they may take. */
const PASSES_OF_OTHERS = 2
const SHARE_OF_OTHERS = 0.5

function printNames() {
  for (const { name, title } of WORKLOADS) console.log(`${name.padEnd(20)} ${title}`)
  console.log('')
  for (const { name } of PEERS) console.log(name)
}

function write(out, run) {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(run, null, 2)}\n`)
  writeFileSync(join(out, 'RESULTS.md'), report(run))
  writeFileSync(join(out, 'chart.svg'), chart(run))
}

const versionOf = (execPath) =>
  spawnSync(execPath, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)

/** Runs one size. @returns {Promise<object>} its summary, and what the runner learned */
async function runScale(docs, options, peers, started) {
  const isMain = docs === options.main
  const fits = ({ largest }) => largest === undefined || docs <= largest.count
  const skipped = peers.filter((peer) => !fits(peer))
  const grows = WORKLOADS.filter((workload) => workload.grows).map(({ name }) => name)
  const only = isMain ? options.only : options.only.filter((name) => grows.includes(name))
  const seconds = options.minutes * 60 * (isMain ? 1 : SHARE_OF_OTHERS)
  const begun = performance.now()
  let passes = 0
  const isLate = () => {
    passes += 1
    const now = performance.now()
    return (now - started + (now - begun) / passes) / 1000 > seconds
  }
  const runner = new Runner(
    {
      ...options,
      docs,
      only,
      passes: isMain ? options.passes : Math.min(options.passes, PASSES_OF_OTHERS),
      loadsOnce: !isMain,
      isLate,
    },
    peers.filter(fits),
    (line) => console.log(`${docs.toLocaleString('en').padStart(9)}  ${line}`),
  )
  await runner.run(GROUPS)
  const summary = summariseAll(WORKLOADS, runner.outcomes, peers)
  const told = skipped.map(({ name, largest }) => ({ name, reason: largest.reason }))
  return { runner, scale: { docs, passes: runner.passes, skipped: told, summary } }
}

/** The peers that were asked for and that can have a row among the workloads that were. */
function choose({ peers, only }) {
  const asked = GROUPS.filter(({ workloads }) => workloads.some(({ name }) => only.includes(name)))
  return PEERS.filter((peer) => {
    return peers.includes(peer.name) && asked.some((group) => offersApi(peer, group))
  })
}

/** Runs all sizes, the one of all workloads last, since its passes fill the time that is left. */
async function compare(options) {
  const started = performance.now()
  const { peers, versions, missing } = install(directory, choose(options))
  for (const { name, reason } of missing) console.log(`missing: ${name}: ${reason}`)
  const data = resolve(options.data ?? join(directory, '../.cache/bench'))
  const scales = []
  const about = {}
  const failures = {}
  const others = options.docs.filter((size) => size !== options.main)
  for (const size of [...others, options.main]) {
    const { runner, scale } = await runScale(size, { ...options, data }, peers, started)
    scales.push(scale)
    Object.assign(about, runner.about)
    Object.assign(failures, runner.failures)
  }
  scales.sort((a, b) => a.docs - b.docs)
  for (const { name, execPath, isReference, isForScale } of peers) {
    const isShown = isReference === true || isForScale === true
    if (about[name] !== undefined)
      Object.assign(about[name], { node: versionOf(execPath), isForScale: isShown })
    else missing.push({ name, reason: failures[name] ?? 'it has no row here' })
  }
  const names = peers.map(({ name }) => name).filter((name) => about[name] !== undefined)
  const { platform, arch, versions: runtime } = process
  const model = cpus()[0]?.model ?? 'unknown'
  const { docs, main: whole, passes, seconds, minutes, timeout } = options
  return {
    machine: { node: runtime.node, platform, arch, cpus: availableParallelism(), model },
    options: { docs, main: whole, passes, seconds, minutes, timeout },
    seconds: Math.round((performance.now() - started) / 1000),
    peers: names,
    about,
    versions,
    missing,
    scales,
    goals: judge(scales.find((scale) => scale.docs === whole).summary, about),
    growth: scales.length > 1 ? growthOf(scales, names) : undefined,
  }
}

async function main() {
  const options = parse(process.argv.slice(2))
  if (options.usage !== undefined) {
    console.log(options.usage)
    return
  }
  if (options.isList) {
    printNames()
    return
  }
  if (options.isCosts) {
    const { costs } = await import('./costs/index.mjs')
    await costs(options)
    return
  }
  const run = await compare(options)
  console.log(`\n${report(run)}\nIt took ${(run.seconds / 60).toFixed(1)} minutes.`)
  if (options.out !== undefined) write(resolve(options.out), run)
  else if (options.isWhole) {
    write(directory, run)
    writeSection(join(directory, '../README.md'), run)
  }
  const isBad = ({ wrong, failed }) => wrong !== undefined || failed !== undefined
  const rows = run.scales.flatMap(({ summary }) =>
    summary.flatMap((one) => Object.values(one.rows)),
  )
  if (rows.some(isBad)) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
