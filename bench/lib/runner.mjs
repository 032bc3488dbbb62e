import { fork } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

const CHILD = fileURLToPath(new URL('../child.mjs', import.meta.url))
const LONGEST = 20 * 60_000
const LOAD = ['load', 'bulk']

/** Runs a group of workloads in a fresh process. Never rejects: a crash is a `failed` answer. */
function runChild(task) {
  return new Promise((resolve) => {
    const child = fork(CHILD, { execArgv: ['--expose-gc'], serialization: 'advanced' })
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST)
    let answer
    child.once('message', (message) => {
      answer = message
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(answer ?? { failed: `the process ended with ${signal ?? code}` })
    })
    child.send(task)
  })
}

/** Runs all groups for all peers, in turn, as often as there are passes. */
export class Runner {
  /**
   * @param {{ data: string, docs: number, only: string[], passes: number,
   *   seconds: number }} options
   * @param {{ name: string, isReference?: boolean }[]} peers
   * @param {(line: string) => void} log
   */
  constructor(options, peers, log) {
    this.options = options
    this.peers = peers
    this.log = log
    this.loaded = new Set()
    /** What the peers say of themselves, by name. */
    this.about = {}
    /** Why a process of a peer failed, by name. */
    this.failures = {}
    /** Outcomes by workload, peer and pass. */
    this.outcomes = {}
  }

  /** @param {import('./contract.mjs').Group[]} groups */
  async run(groups) {
    const { only, passes } = this.options
    const asked = groups.filter(({ workloads }) =>
      workloads.some(({ name }) => only.includes(name)),
    )
    for (let pass = 0; pass < passes; pass++) {
      for (const group of asked) {
        for (let i = 0; i < this.peers.length; i++) {
          const peer = this.peers[(i + pass) % this.peers.length]
          if (group.stage === 'empty' || !peer.isReference) await this.runGroup(group, peer, pass)
        }
      }
    }
    for (const peer of this.peers) this.clear(this.directory(peer))
  }

  directory(peer) {
    return join(this.options.data, peer.name)
  }

  clear(path) {
    rmSync(path, { recursive: true, force: true })
  }

  async runGroup(group, peer, pass) {
    const path = await this.prepare(group, peer, pass)
    const names = group.workloads.map(({ name }) => name)
    const only = names.filter((name) => this.options.only.includes(name))
    const needsLoad = group.stage === 'kept' && !only.includes('bulk')
    const run = needsLoad ? [...only, 'bulk'] : only
    const answer = await this.runTask(group.name, peer, pass, path, run)
    if (group.stage === 'kept') this.loaded.add(peer.name)
    if (group.stage === 'empty' || group.stage === 'copy') this.clear(path)
    this.record(peer, pass, only, answer)
  }

  runTask(group, peer, pass, path, only) {
    const { docs, seconds } = this.options
    const seed = 1 + pass
    return runChild({ peer: peer.name, group, only, path, count: docs, seconds, seed })
  }

  /** Makes what a group finds. @returns {Promise<string>} the directory */
  async prepare(group, peer, pass) {
    const kept = join(this.directory(peer), 'loaded')
    const own = join(this.directory(peer), group.name)
    if (group.stage === 'kept' || group.stage === 'empty') {
      const path = group.stage === 'kept' ? kept : own
      this.clear(path)
      mkdirSync(path, { recursive: true })
      return path
    }
    if (!this.loaded.has(peer.name)) {
      this.clear(kept)
      mkdirSync(kept, { recursive: true })
      const [load, ...workloads] = LOAD
      await this.runTask(load, peer, pass, kept, workloads)
      this.loaded.add(peer.name)
    }
    if (group.stage !== 'copy') return kept
    this.clear(own)
    cpSync(kept, own, { recursive: true })
    return own
  }

  record(peer, pass, only, answer) {
    if (answer.failed !== undefined) {
      this.log(`pass ${pass + 1}  ${peer.name}: ${answer.failed}`)
      this.failures[peer.name] = answer.failed
      for (const workload of only) this.keep(workload, peer, { failed: answer.failed })
      return
    }
    const { title, durability, results } = answer
    this.about[peer.name] = { title, durability, isReference: peer.isReference === true }
    for (const workload of only) {
      const outcome = results[workload]
      if (outcome === undefined) continue
      this.keep(workload, peer, outcome)
      const told = outcome.failed ?? outcome.wrong ?? Number(outcome.figure.toPrecision(4))
      this.log(`pass ${pass + 1}  ${workload.padEnd(14)} ${peer.name.padEnd(24)} ${told}`)
    }
  }

  keep(workload, peer, outcome) {
    this.outcomes[workload] ??= {}
    this.outcomes[workload][peer.name] ??= []
    this.outcomes[workload][peer.name].push(outcome)
  }
}
