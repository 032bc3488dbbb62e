/** Kills writers, at random moments and at named points, and checks the database after each. */

import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from '../support/child'
import { Random } from '../support/random'
import { Ledger } from './ledger'
import { Life, type Setting } from './life'
import type { Point } from './points'
import { losePower } from './power'
import type { Question } from './verifier'

const VERIFIER = join(__dirname, 'verifier.ts')

/** How many writers die on one database; in the first ones it has no free pages to fill yet. */
const KILLS_PER_DATABASE = 25
const YOUNG = 8

/** The bytes that a run needs at most. */
const ROOM = 1 << 29

/** Options of `killWriters`. */
export interface Options extends Pick<Setting, 'library' | 'defect'> {
  seed: number
  /** The power goes with the process: only what was synced is left. Each has its own database. */
  powerLoss?: boolean
  /** How many writers are killed, at most. */
  cycles: number
  /** Where; a point is chosen that was reached least. */
  points?: readonly Point[]
  /** The share of writers that die at a random moment. */
  atRandom: number
  /** Ends when every point was reached so often. */
  enough?: number
  /** Ends the run before its time. */
  signal?: AbortSignal
  /** Leaves the database of a failed run where it is. */
  keep?: boolean
  onCycle?: (cycle: number, outcome: Outcome) => void
}

/** What a run came to. */
export interface Outcome {
  cycles: number
  /** Acknowledged operations. */
  acknowledged: number
  /** How many writers died at each point. */
  kills: Map<string, number>
  /** How many died at a random moment. */
  killsAtRandom: number
  /** How many were killed before they came to their point. */
  missed: number
}

/** A run found something lost, or half there. */
export class Lost extends Error {}

/** A directory in memory, where there is one with room: a killed process loses nothing there. */
export function crashDirectory(): string {
  const shared = '/dev/shm'
  let parent = tmpdir()
  try {
    const { bavail, bsize } = statfsSync(shared)
    if (bavail * bsize > ROOM) parent = shared
  } catch {
    // There is none.
  }
  return mkdtempSync(join(parent, 'lodestore-crash-'))
}

/** @throws {Lost} when anything was lost or is half there */
export async function killWriters(options: Options): Promise<Outcome> {
  const run = new Run(options)
  try {
    await run.all()
  } catch (error) {
    await run.end()
    const where = options.keep ? `, in ${run.directory}` : ''
    const message = `LODESTORE_SEED=${options.seed}, cycle ${run.outcome.cycles}${where}`
    if (!options.keep) rmSync(run.directory, { recursive: true, force: true })
    throw error instanceof Lost ? new Lost(`${message}: ${error.message}`) : error
  }
  await run.end()
  rmSync(run.directory, { recursive: true, force: true })
  return run.outcome
}

const logOf = (path: string): string => `${path}.log`

class Run {
  readonly directory = crashDirectory()
  readonly outcome: Outcome
  private readonly random: Random
  private readonly verifier: Child
  private ledger = new Ledger()
  private next: Life | undefined

  constructor(private readonly options: Options) {
    this.random = new Random(options.seed)
    const { library } = options
    const env = library === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: library }
    this.verifier = new Child(VERIFIER, [], { env, quick: true })
    const kills = new Map((options.points ?? []).map(({ name }) => [name, 0]))
    this.outcome = { cycles: 0, acknowledged: 0, kills, killsAtRandom: 0, missed: 0 }
  }

  async all(): Promise<void> {
    const { outcome, options } = this
    while (outcome.cycles < options.cycles && !this.isEnough() && !options.signal?.aborted) {
      if (outcome.cycles % this.killsPerDatabase === 0) this.startDatabase()
      await this.cycle()
      outcome.cycles++
      options.onCycle?.(outcome.cycles, outcome)
    }
  }

  /** Ends the processes. */
  async end(): Promise<void> {
    await Promise.all([this.verifier.kill(), this.next?.end()])
  }

  private isEnough(): boolean {
    const { enough } = this.options
    return enough !== undefined && [...this.outcome.kills.values()].every((n) => n >= enough)
  }

  private get killsPerDatabase(): number {
    return this.options.powerLoss ? 1 : KILLS_PER_DATABASE
  }

  private get path(): string {
    return this.pathOf(this.outcome.cycles)
  }

  private pathOf(cycle: number): string {
    return join(this.directory, `${Math.floor(cycle / this.killsPerDatabase)}`)
  }

  private get backups(): string {
    return `${this.path}-backups`
  }

  private startDatabase(): void {
    const before = this.pathOf(this.outcome.cycles - 1)
    rmSync(before, { recursive: true, force: true })
    rmSync(`${before}-backups`, { recursive: true, force: true })
    rmSync(logOf(before), { force: true })
    this.ledger = new Ledger()
  }

  private choosePoint(cycle: number): Point | undefined {
    const { atRandom } = this.options
    const isYoung = cycle % this.killsPerDatabase < YOUNG
    const points = (this.options.points ?? []).filter(({ mapSize }) => isYoung || !mapSize)
    if (points.length === 0 || this.random.chance(atRandom)) return undefined
    const count = (point: Point): number => this.outcome.kills.get(point.name)!
    const least = Math.min(...points.map(count))
    return this.random.pick(points.filter((point) => count(point) === least))
  }

  private start(cycle: number): Life {
    const { library, defect, powerLoss } = this.options
    const path = this.pathOf(cycle)
    const recorded = powerLoss ? { log: logOf(path), durability: 'strict' } : {}
    const setting = { library, defect, ...recorded }
    return new Life(path, this.random, setting, this.choosePoint(cycle))
  }

  private count({ point, diedAtPoint }: Life): void {
    const { outcome } = this
    if (point === undefined) outcome.killsAtRandom++
    else if (diedAtPoint) outcome.kills.set(point.name, outcome.kills.get(point.name)! + 1)
    else outcome.missed++
  }

  private async cycle(): Promise<void> {
    const { outcome, ledger, backups } = this
    mkdirSync(backups, { recursive: true })
    const life = this.next ?? this.start(outcome.cycles)
    this.next = life
    const reports = await life.run(ledger.start(backups))
    this.count(life)
    // The next one starts while the database is checked.
    this.next = this.start(outcome.cycles + 1)
    const where = life.point === undefined ? '' : ` (${life.point.name})`
    for (const report of reports) {
      if (report.failure !== undefined) throw new Lost(report.failure + where)
      ledger.hear(report)
      if (report.ends !== undefined) outcome.acknowledged++
    }
    if (this.options.powerLoss) losePower(logOf(this.path), this.path, this.random)
    const problems = await this.verify()
    if (problems.length > 0) throw new Lost(problems.slice(0, 10).join('\n') + where)
    rmSync(backups, { recursive: true, force: true })
  }

  /** Asks the verifier, and compares what it has seen with what was acknowledged. */
  private async verify(): Promise<string[]> {
    const { ledger, verifier, path, backups } = this
    const inQuestion = ledger.backupsInQuestion().map((number) => join(backups, String(number)))
    const question: Question = { path, backups: inQuestion }
    verifier.say(question)
    const answer = await verifier.nextOrEnd()
    if (answer === undefined) {
      const { code, signal, stderr } = await verifier.ended
      return [`the verifier ended: ${code ?? signal} ${stderr}`]
    }
    return answer.failure === undefined ? ledger.settle(answer.contents) : [answer.failure]
  }
}
