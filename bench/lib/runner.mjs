import { fork } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { offersApi } from '../peers/index.mjs'
import { median } from './summary.mjs'

const CHILD = fileURLToPath(new URL('../child.mjs', import.meta.url))

/**
 * Runs a group of workloads in a fresh process. Never rejects: a crash, and a process that does not
 * end in time, are `failed` answers.
 */
function runChild(execPath, timeout, task) {
  return new Promise((resolve) => {
    const child = fork(CHILD, { execPath, execArgv: ['--expose-gc'], serialization: 'advanced' })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, timeout * 1000)
    let answer
    child.once('message', (message) => {
      answer = message
    })
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      if (isLate) resolve({ failed: `no end within ${timeout} s` })
      else resolve(answer ?? { failed: `the process ended with ${signal ?? code}` })
    })
    child.send(task)
  })
}

/** One outcome of a group that ran several times: the median of the figures. */
function combine(outcomes) {
  const problem = outcomes.find((one) => one.wrong !== undefined || one.failed !== undefined)
  if (problem !== undefined) return problem
  const middle = (field) => median(outcomes.map((one) => one[field]))
  return { ...outcomes[0], figure: middle('figure'), delay: middle('delay') }
}

/** Runs all groups for all peers on sets of one size, in turn, as often as there are passes. */
export class Runner {
  /**
   * @param {object} options
   * @param {string} options.data where databases are made
   * @param {number} options.docs
   * @param {string[]} options.only workloads
   * @param {number} options.passes
   * @param {number} options.seconds
   * @param {number} options.timeout seconds that a process may take
   * @param {boolean} options.loadsOnce load in the first pass only
   * @param {() => boolean} options.isLate no further pass begins once it is
   * @param {{ name: string, execPath: string, isReference?: boolean }[]} peers
   * @param {(line: string) => void} log
   */
  constructor(options, peers, log) {
    this.options = options
    this.peers = peers
    this.log = log
    this.loaded = new Set()
    /** Passes that were made. */
    this.passes = 0
    /** The groups that make the sets that others find loaded. */
    this.loading = []
    /** What the peers say of themselves, by name. */
    this.about = {}
    /** Why a process of a peer failed, by name. */
    this.failures = {}
    /** Outcomes by workload, peer and pass. */
    this.outcomes = {}
  }

  /** @param {import('./contract.mjs').Group[]} groups */
  async run(groups) {
    const { only, passes, loadsOnce, isLate } = this.options
    this.loading = groups.filter(({ stage }) => stage === 'kept')
    const asked = groups.filter(({ workloads }) =>
      workloads.some(({ name }) => only.includes(name)),
    )
    try {
      while (this.passes < passes && (this.passes === 0 || !isLate())) {
        const pass = this.passes++
        for (const group of asked) {
          if (pass > 0 && group.stage === 'kept' && loadsOnce) continue
          for (let i = 0; i < this.peers.length; i++) {
            const peer = this.peers[(i + pass) % this.peers.length]
            if (!offersApi(peer, group)) continue
            if (group.stage === 'empty' || !peer.isReference) await this.runGroup(group, peer, pass)
          }
        }
      }
    } finally {
      for (const peer of this.peers) this.clear(this.directory(peer))
    }
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
    if (path === undefined) {
      this.record(peer, pass, only, { failed: 'the set could not be loaded' })
      return
    }
    const needsLoad = group.loads !== undefined && !only.includes(group.loads)
    const run = needsLoad ? [...only, group.loads] : only
    const answers = []
    for (let time = 0; time < (group.times ?? 1); time++) {
      answers.push(await this.runTask(group, peer, pass, path, run))
    }
    if (group.stage === 'kept' && hasLoaded(group, answers[0])) this.loaded.add(path)
    if (group.stage === 'empty' || group.stage === 'copy') this.clear(path)
    const failed = answers.find((answer) => answer.failed !== undefined)
    if (failed !== undefined || answers.length === 1) {
      this.record(peer, pass, only, failed ?? answers[0])
      return
    }
    const results = {}
    for (const name of Object.keys(answers[0].results)) {
      results[name] = combine(answers.map((answer) => answer.results[name]))
    }
    this.record(peer, pass, only, { ...answers[0], results })
  }

  runTask({ name, patience = 1 }, peer, pass, path, only) {
    const { docs, seconds, timeout } = this.options
    const task = { peer: peer.name, group: name, only, path, count: docs, seconds, seed: 1 + pass }
    return runChild(peer.execPath, timeout * patience, task)
  }

  /** Makes what a group finds. @returns {Promise<string | undefined>} the directory */
  async prepare(group, peer, pass) {
    const loading = this.loading.find(({ api }) => api === group.api)
    const kept = join(this.directory(peer), `loaded-${group.api ?? 'own'}`)
    const own = join(this.directory(peer), group.name)
    if (group.stage === 'kept' || group.stage === 'empty') {
      const path = group.stage === 'kept' ? kept : own
      this.loaded.delete(path)
      this.clear(path)
      mkdirSync(path, { recursive: true })
      return path
    }
    if (!this.loaded.has(kept)) {
      this.clear(kept)
      mkdirSync(kept, { recursive: true })
      const answer = await this.runTask(loading, peer, pass, kept, [loading.loads])
      if (!hasLoaded(loading, answer)) return undefined
      this.loaded.add(kept)
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
    this.about[peer.name] = { title, durability }
    for (const workload of only) {
      const outcome = results[workload]
      if (outcome === undefined) continue
      this.keep(workload, peer, outcome)
      const told = outcome.failed ?? outcome.wrong ?? Number(outcome.figure.toPrecision(4))
      this.log(`pass ${pass + 1}  ${workload.padEnd(16)} ${peer.name.padEnd(24)} ${told}`)
    }
  }

  keep(workload, peer, outcome) {
    this.outcomes[workload] ??= {}
    this.outcomes[workload][peer.name] ??= []
    this.outcomes[workload][peer.name].push(outcome)
  }
}

/** Whether the answer of a group that loads says that all documents are there. */
function hasLoaded({ loads }, { results }) {
  const outcome = results?.[loads]
  return outcome !== undefined && outcome.failed === undefined && outcome.wrong === undefined
}
