/** The life of a writer: how it is started, what it is told to do, and how it dies. */

import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child, type Ended } from '../support/child'
import { ioEnvironment } from '../support/preload'
import type { Random } from '../support/random'
import type { Start } from './lanes'
import { durabilitiesOf, type Point } from './points'

const WRITER = join(__dirname, 'writer.ts')

/** What every writer may do besides what leads to its point. */
const LANES = ['one', 'two', 'bank', 'schema', 'scratch', 'large', 'numbered']
/** Those of a writer that reads nothing, and whose commits are deferred. */
const QUIET = ['single', 'one']
/** The share of writers that read nothing. */
const QUIET_SHARE = 0.3
/** Transactions that are under way fail when the map grows. */
const LANES_OF_GROWTH = LANES.filter((lane) => lane !== 'bank')

/** How many reports a writer that dies at a random moment lives to make, at most. */
const REPORTS = 150
/** How many reports it takes at most to come to a point. */
const REPORTS_TO_POINT = 3_000
/** How long after its start some are killed, and what passes between a report and a kill: ms. */
const START = 150
const MOMENT = 10
/** How many reports of the writer beside a killed one are awaited: it must go on. */
const REPORTS_AFTER_KILL = 20
/** A writer that says nothing for so long hangs, in milliseconds. */
const PATIENCE = 120_000

/** How to start writers. */
export interface Setting {
  /** The library with fault points; without it, writers die at random moments only. */
  library: string | undefined
  /** A defect that the engine has: a word of LODESTORE_FAULT. */
  defect?: string | undefined
  /** A log of everything that is written and synced, for power failures. */
  log?: string | undefined
  durability?: string | undefined
}

/** A writer that has been started and waits for its order. */
export class Life {
  private readonly writer: Child
  private readonly companion: Child | undefined
  /** Whether it died by itself, at the point that it was sent to. */
  diedAtPoint = false

  constructor(
    private readonly path: string,
    private readonly random: Random,
    private readonly setting: Setting,
    readonly point: Point | undefined,
  ) {
    const { library } = setting
    const env: Record<string, string> =
      library === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: library }
    this.writer = new Child(WRITER, [], { env: { ...env, ...this.faults() }, quick: true })
    const alone = point?.alone || point?.mapSize !== undefined || setting.log !== undefined
    if (!alone && random.chance(0.15)) this.companion = new Child(WRITER, [], { env, quick: true })
  }

  /** Lets the writer do its work until it dies. Gives what it said. */
  async run(start: Start): Promise<any[]> {
    const { random, point, path, setting } = this
    const order = {
      path,
      durability: setting.durability ?? random.pick(durabilitiesOf(point)),
      start,
      seed: random.below(2 ** 31),
    }
    this.companion?.say({ ...order, lanes: ['companion'] })
    const lanes = this.chooseLanes()
    this.writer.say({ ...order, lanes, mapSize: point?.mapSize })
    try {
      const reports = await this.untilDeath()
      if (this.companion !== undefined) reports.push(...(await this.companionGoesOn(reports)))
      return reports
    } finally {
      await this.end()
    }
  }

  private chooseLanes(): string[] {
    const { random, point } = this
    if (point?.quiet) return point.lanes
    if (point === undefined && random.chance(QUIET_SHARE)) {
      return random.chance(0.5) ? QUIET : QUIET.slice(0, 1)
    }
    const possible = point?.mapSize === undefined ? LANES : LANES_OF_GROWTH
    const lanes = possible.filter(
      (lane) => point?.lanes.includes(lane) || random.chance(point === undefined ? 0.8 : 0.3),
    )
    for (const lane of point?.lanes ?? ['one']) if (!lanes.includes(lane)) lanes.push(lane)
    return lanes
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    await Promise.all([this.writer.kill(), this.companion?.kill()])
  }

  /** What lets the writer come to its end. */
  private faults(): Record<string, string> {
    const { path, point, random, setting } = this
    const hit = random.between(1, point?.hits ?? 1)
    const faults = setting.defect === undefined ? [] : [setting.defect]
    if (point !== undefined && point.rule === undefined) faults.push(`kill:${point.name}:${hit}`)
    const env = { LODESTORE_FAULT: faults.join(',') }
    if (point?.rule === undefined && setting.log === undefined) return env
    const rules = point?.rule === undefined ? {} : { rules: `${point.rule} ${hit}` }
    const log = setting.log === undefined ? {} : { log: setting.log }
    return { ...env, ...ioEnvironment({ directory: path, ...rules, ...log }) }
  }

  private async untilDeath(): Promise<any[]> {
    const { random, point, writer } = this
    const reports: any[] = []
    // Some die while they start, open the database, or create it.
    if (point === undefined && random.chance(0.15)) {
      await setTimeout(random.below(START))
    } else {
      let left = point === undefined ? random.below(REPORTS) : REPORTS_TO_POINT
      for (; left >= 0; left--) {
        const report = await this.next(writer)
        if (report === undefined) break
        reports.push(report)
        if (report.failure !== undefined) return reports
      }
      if (point === undefined) await setTimeout(random.below(MOMENT))
    }
    const ended = await writer.kill()
    reports.push(...(await writer.rest()))
    this.diedAtPoint = point !== undefined && isAtPoint(point, ended, writer.wasKilled)
    if (!this.diedAtPoint && !writer.wasKilled) {
      reports.push({ failure: `a writer ended: ${ended.code ?? ended.signal} ${ended.stderr}` })
    }
    return reports
  }

  private async next(child: Child): Promise<any> {
    const hangs = new AbortController()
    const late = setTimeout(PATIENCE, 'late', { signal: hangs.signal }).catch(() => undefined)
    const report = await Promise.race([child.nextOrEnd(), late])
    hangs.abort()
    return report === 'late' ? { failure: 'a writer says nothing any more' } : report
  }

  private async companionGoesOn(reports: any[]): Promise<any[]> {
    const companion = this.companion!
    const more: any[] = []
    if (reports.some(({ failure }) => failure !== undefined)) return more
    for (let i = 0; i < REPORTS_AFTER_KILL; i++) {
      const report = await this.next(companion)
      if (report === undefined) break
      more.push(report)
      if (report.failure !== undefined) return more
    }
    companion.say('stop')
    const { code, signal, stderr } = await companion.ended
    if (code !== 0) more.push({ failure: `the companion ended: ${code ?? signal} ${stderr}` })
    return [...more, ...(await companion.rest())]
  }
}

/** Whether a writer died where it should, by itself. */
function isAtPoint(point: Point, ended: Ended, wasKilled: boolean): boolean {
  if (point.rule !== undefined) return ended.signal === 'SIGKILL' && !wasKilled
  return ended.stderr.includes(`lodestore: fault: ${point.name}\n`)
}
