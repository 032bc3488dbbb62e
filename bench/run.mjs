/** Lodestore and its peers, the same work, side by side. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chart } from './lib/chart.mjs'
import { install } from './lib/install.mjs'
import { parse, UsageError } from './lib/options.mjs'
import { report } from './lib/report.mjs'
import { Runner } from './lib/runner.mjs'
import { summariseAll } from './lib/summary.mjs'
import { PEERS } from './peers/index.mjs'
import { GROUPS, WORKLOADS } from './workloads/index.mjs'

const directory = fileURLToPath(new URL('.', import.meta.url))

function printNames() {
  for (const { name, title } of WORKLOADS) console.log(`${name.padEnd(16)} ${title}`)
  console.log('')
  for (const { name } of PEERS) console.log(name)
}

function write(out, run) {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(run, null, 2)}\n`)
  writeFileSync(join(out, 'RESULTS.md'), report(run))
  writeFileSync(join(out, 'chart.svg'), chart(run))
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
  const chosen = PEERS.filter(({ name }) => options.peers.includes(name))
  const { peers, versions, missing } = install(directory, chosen)
  for (const { name, reason } of missing) console.log(`missing: ${name}: ${reason}`)

  const data = resolve(options.data ?? join(directory, '../.cache/bench'))
  const runner = new Runner({ ...options, data }, peers, (line) => console.log(line))
  await runner.run(GROUPS)

  const { docs, passes, seconds } = options
  const { platform, arch, versions: runtime } = process
  const { about, outcomes, failures } = runner
  for (const { name } of peers) {
    if (about[name] === undefined)
      missing.push({ name, reason: failures[name] ?? 'it has no row here' })
  }
  const run = {
    machine: { node: runtime.node, platform, arch, cpus: availableParallelism() },
    options: { docs, passes, seconds },
    peers: peers.map(({ name }) => name).filter((name) => about[name] !== undefined),
    about,
    versions,
    missing,
    summary: summariseAll(WORKLOADS, outcomes, about),
  }
  console.log(`\n${report(run)}`)
  const out = options.out ?? (options.isWhole ? directory : undefined)
  if (out !== undefined) write(resolve(out), run)
  const isBad = ({ wrong, failed }) => wrong !== undefined || failed !== undefined
  if (run.summary.some(({ rows }) => Object.values(rows).some(isBad))) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
