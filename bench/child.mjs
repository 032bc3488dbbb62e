/** One process of the benchmark: one peer, one group of workloads. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { Expected, Random } from './dataset.mjs'
import { WrongResult } from './lib/measure.mjs'
import { PEERS } from './peers/index.mjs'
import { GROUPS } from './workloads/index.mjs'

const DELAY_RESOLUTION = 5

/** Runs one workload and watches the event loop meanwhile. */
async function runWorkload(workload, context) {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION })
  const before = process.cpuUsage()
  delay.enable()
  let outcome
  try {
    const result = await workload.run(context)
    outcome = typeof result === 'number' ? { figure: result } : result
  } catch (error) {
    if (error instanceof WrongResult) return { wrong: error.message }
    console.error(error)
    return { failed: String(error) }
  }
  const cpu = process.cpuUsage(before)
  // A timer that was held up is counted when it runs.
  await setTimeout(DELAY_RESOLUTION * 2)
  delay.disable()
  const held = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION)
  return { ...outcome, delay: held, cpuSeconds: (cpu.user + cpu.system) / 1e6 }
}

async function main({ peer: peerName, group: groupName, only, path, count, seconds, seed }) {
  const group = GROUPS.find(({ name }) => name === groupName)
  const peer = await PEERS.find(({ name }) => name === peerName).load()
  const { title, durability } = peer
  if (durability[group.durability] === undefined) {
    process.send({ title, durability, results: {} })
    return
  }
  const isClosed = group.stage === 'closed'
  const db = isClosed ? undefined : await peer.open(path, { durability: group.durability })
  let expected
  const context = {
    peer,
    db,
    path,
    count,
    seconds,
    random: new Random(seed),
    expected: () => (expected ??= new Expected(count)),
  }
  const results = {}
  let closed = isClosed
  for (const workload of group.workloads) {
    if (!only.includes(workload.name)) continue
    if (!isClosed && workload.needs.some((method) => db[method] === undefined)) continue
    results[workload.name] = await runWorkload(workload, context)
    closed ||= workload.name === 'disk'
  }
  if (!closed) await db.close()
  process.send({ title, durability, results })
}

process.once('message', async (task) => {
  try {
    await main(task)
  } catch (error) {
    console.error(error)
    process.send({ failed: String(error) })
  }
  process.disconnect()
})
