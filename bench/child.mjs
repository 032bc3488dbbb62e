/** One process of the benchmark: one peer, one group of workloads. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { Expected, Random } from './dataset.mjs'
import { IndexedDb } from './lib/indexeddb.mjs'
import { memory, WrongResult } from './lib/measure.mjs'
import { PEERS } from './peers/index.mjs'
import { DIMENSIONS } from './vectors.mjs'
import { GROUPS } from './workloads/index.mjs'

const DELAY_RESOLUTION = 5

/** Runs one workload and watches the event loop meanwhile. */
async function runWorkload(workload, context) {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION })
  delay.enable()
  // The first tick of its timer measures nothing: what happens before would not count.
  await setTimeout(DELAY_RESOLUTION * 3)
  const before = process.cpuUsage()
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

/** Whether a database has the methods that a workload needs. */
function offers(db, { needs }) {
  return needs.every((need) => [need].flat().some((method) => db[method] !== undefined))
}

async function openApi({ api, durability, compression, precision }, peer, path) {
  if (api === 'indexeddb') return IndexedDb.open(await peer.openScope(path), durability)
  if (api === 'vectors') return peer.openVectors(path, { dimensions: DIMENSIONS, precision })
  return peer.open(path, { durability, compression, encrypted: api === 'sealed' })
}

/** Whether a peer has what a group is about. */
function canHave({ durability, compression, precision }, peer) {
  if (peer.durability[durability] === undefined) return false
  if (precision !== undefined && !peer.precisions.includes(precision)) return false
  return compression !== true || peer.canCompress === true
}

/** Opens the database, unless the workloads do, and says how it is closed once. */
async function openFor(group, peer, path) {
  if (group.stage === 'closed') return { db: undefined, close: async () => {} }
  const db = await openApi(group, peer, path)
  let closing
  return { db, close: () => (closing ??= Promise.resolve(db.close())) }
}

async function main({ peer: peerName, group: groupName, only, path, count, seconds, seed }) {
  const group = GROUPS.find(({ name }) => name === groupName)
  const start = performance.now()
  const peer = await PEERS.find(({ name }) => name === peerName).load()
  const moduleTime = performance.now() - start
  const { title, durability } = peer
  const results = {}
  if (canHave(group, peer)) {
    const before = memory()
    const { db, close } = await openFor(group, peer, path)
    let expected
    const context = {
      peer,
      moduleTime,
      db,
      close,
      path,
      before,
      encrypted: group.api === 'sealed',
      count,
      seconds,
      random: new Random(seed),
      expected: () => (expected ??= new Expected(count)),
    }
    for (const workload of group.workloads) {
      if (!only.includes(workload.name)) continue
      if (db !== undefined && !offers(db, workload)) continue
      results[workload.name] = await runWorkload(workload, context)
    }
    await close()
  }
  return { title, durability, results }
}

// When it has answered, or when nobody waits for the answer any more.
process.once('disconnect', () => process.exit())

process.once('message', async (task) => {
  let answer
  try {
    answer = await main(task)
  } catch (error) {
    console.error(error)
    answer = { failed: String(error) }
  }
  process.send(answer, () => process.disconnect())
})
