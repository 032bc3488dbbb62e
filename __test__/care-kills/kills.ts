/** Kills processes that restore, and checks what is there afterwards. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { Random } from '../support/random'

const WORKER = join(__dirname, 'worker.ts')

/** Where a restoration may die (`src/fault.rs`). */
export const POINTS = ['restore-copied', 'restore-verified', 'restore-spaces', 'restore-renamed']
/** Where one into a new directory may. */
const NEW_POINTS = ['restore-copied', 'backup-copied', 'backup-renamed']

const STORES = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } } as const
const COUNT = 2_000
/** How long after its beginning a work may be killed, in milliseconds. */
const LONGEST = 400

/** Options of `killCare`. */
export interface KillOptions {
  seed: number
  rounds: number
  /** The library with fault points; without it, processes die at random moments only. */
  library: string | undefined
  onRound?: (round: number) => void
}

/** What came of it: how often each state was found. */
export type Outcomes = Record<string, number>

async function fill(path: string, state: string, space?: string): Promise<void> {
  const options = space === undefined ? {} : { space }
  const db = (await open(path, { ...options, stores: STORES, durability: 'relaxed' })) as any
  const documents = Array.from({ length: COUNT }, (_, id) => ({ id, n: id % 7, state }))
  await db.store('s').putMany(documents)
  await db.close()
}

/** The one state that a database and its spaces are in. */
async function stateOf(path: string): Promise<string> {
  const db = (await open(path, { mode: 'open' })) as any
  const spaces: string[] = await db.spaces()
  const states = new Set<string>([spaces.toSorted().join()])
  for (const space of [undefined, ...spaces]) {
    const inner = space === undefined ? db : ((await open(path, { space, mode: 'open' })) as any)
    assert.equal(await inner.store('s').count(), COUNT)
    for (const { state } of await inner.store('s').getAll()) states.add(state)
    if (space !== undefined) await inner.close()
  }
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
  const left = readdirSync(path).filter((name) => name.startsWith('restore-'))
  assert.deepEqual(left, [], 'leftovers of a restoration')
  return [...states].join(' ')
}

class Kills {
  readonly directory = mkdtempSync(join(tmpdir(), 'lodestore-care-kills-'))
  readonly outcomes: Outcomes = {}
  readonly before = join(this.directory, 'before')
  readonly backup = join(this.directory, 'backup')
  readonly to = join(this.directory, 'to')
  private readonly random: Random

  constructor(private readonly options: KillOptions) {
    this.random = new Random(options.seed)
  }

  async prepare(): Promise<void> {
    await fill(this.backup, 'new')
    await fill(this.backup, 'new', 'both')
    await fill(this.backup, 'new', 'one')
    await fill(this.before, 'old')
    await fill(this.before, 'old', 'both')
  }

  /** Starts a worker, and lets it die. */
  private async kill(point: string | undefined): Promise<void> {
    const { library } = this.options
    const env: Record<string, string> =
      library === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: library }
    if (point !== undefined) env.LODESTORE_FAULT = `kill:${point}:1`
    const worker = new Child(WORKER, [], { env, quick: true })
    worker.say({ from: this.backup, to: this.to })
    await worker.next()
    if (point === undefined) {
      await setTimeout(this.random.below(LONGEST))
      await worker.kill()
    }
    const { stderr } = await worker.ended
    const said = await worker.rest()
    const failure = said.find((each: any) => each.failure !== undefined)
    assert.equal(failure, undefined, JSON.stringify(failure))
    if (point !== undefined) assert.match(stderr, new RegExp(`lodestore: fault: ${point}`))
  }

  private count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
  }

  async restore(point: string | undefined): Promise<void> {
    const { to } = this
    rmSync(to, { recursive: true, force: true })
    await cp(this.before, to, { recursive: true })
    await this.kill(point)
    const state = await stateOf(to)
    assert.ok(['both old', 'both,one new'].includes(state), state)
    this.count(`restore: ${state}`)
  }

  async restoreAnew(point: string | undefined): Promise<void> {
    const { to } = this
    rmSync(to, { recursive: true, force: true })
    await this.kill(point)
    const state = existsSync(to) ? await stateOf(to) : 'not there'
    assert.ok(['not there', 'both,one new'].includes(state), state)
    this.count(`restore where nothing was: ${state}`)
  }

  /** Every other one dies at a point, each point in turn. */
  async round(number: number): Promise<void> {
    const isAnew = number % 4 > 1
    const points = isAnew ? NEW_POINTS : POINTS
    const isAtPoint = this.options.library !== undefined && number % 2 === 0
    const point = isAtPoint ? points[Math.floor(number / 4) % points.length] : undefined
    return isAnew ? this.restoreAnew(point) : this.restore(point)
  }
}

/** Kills so many processes; throws, naming the round, if what is found is neither state. */
export async function killCare(options: KillOptions): Promise<Outcomes> {
  const kills = new Kills(options)
  let number = 0
  try {
    await kills.prepare()
    for (; number < options.rounds; number++) {
      await kills.round(number)
      options.onRound?.(number + 1)
    }
    return kills.outcomes
  } catch (error) {
    throw new Error(`LODESTORE_SEED=${options.seed}, round ${number}`, { cause: error })
  } finally {
    rmSync(kills.directory, { recursive: true, force: true })
  }
}
