/** Kills processes that care for databases, and checks what is there afterwards. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child } from '../support/child'
import { count, type Counts, type KillOptions } from '../support/kills'
import { Random } from '../support/random'
import { CASES, type Case } from './cases'
import { fill, fillUp } from './content'
import type { Work } from './worker'

const WORKER = join(__dirname, 'worker.ts')

/** How long a work takes, as long as that is not known, in milliseconds. */
const USUAL = 300

/** What came of it. */
export interface Outcomes {
  /** How often each state was found. */
  states: Counts
  /** How often a work was killed at each point, at random moments, or had ended before. */
  places: Counts
}

const sorted = (counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)))

class Kills {
  readonly directory = mkdtempSync(join(tmpdir(), 'lodestore-care-kills-'))
  readonly outcomes: Outcomes = { states: {}, places: {} }
  private readonly random: Random
  /** How long each work took when it was not killed, and how often it was begun, by its name. */
  private readonly durations = new Map<string, number>()
  private readonly turns = new Map<string, number>()

  constructor(private readonly options: KillOptions) {
    this.random = new Random(options.seed)
  }

  private template(state: string, sealed: boolean, isLarge = false): string {
    return join(this.directory, `${state}${sealed ? ' sealed' : ''}${isLarge ? ' large' : ''}`)
  }

  async prepare(): Promise<void> {
    for (const sealed of [false, true]) {
      for (const space of [undefined, 'both', 'one']) {
        await fill(this.template('new', sealed), 'new', sealed, space)
        if (space !== 'one') await fill(this.template('old', sealed), 'old', sealed, space)
      }
    }
    const large = this.template('old', true, true)
    await cp(this.template('old', true), large, { recursive: true })
    await fillUp(large, true)
  }

  /** Starts a worker, and lets it die, at a point or a random moment; true if it ended before. */
  private async kill(each: Case, work: Work, point: string | undefined): Promise<boolean> {
    const { library } = this.options
    const what = nameOf(each)
    const env: Record<string, string> =
      library === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: library }
    if (point !== undefined) {
      env.LODESTORE_FAULT = `kill:${point}:${1 + this.random.below(each.points[point]!)}`
    }
    const worker = new Child(WORKER, [], { env, quick: true })
    worker.say(work)
    const begun = await worker.nextOrEnd<{ begins?: true; failure?: string }>()
    assert.equal(begun?.failure, undefined)
    const from = performance.now()
    if (point === undefined) {
      const duration = this.durations.get(what) ?? USUAL
      const moment = setTimeout(this.random.below(Math.ceil(duration * 1.1)))
      const answer = worker.nextOrEnd()
      await Promise.race([moment, answer])
      await worker.kill()
      const said = (await answer) as { done?: true; failure?: string } | undefined
      assert.equal(said?.failure, undefined)
      if (said?.done !== true) {
        // It took longer than it was given.
        this.durations.set(what, Math.max(duration, performance.now() - from))
        return false
      }
      this.durations.set(what, performance.now() - from)
      return true
    }
    const { stderr } = await worker.ended
    const said = await worker.rest<{ done?: true; failure?: string }>()
    assert.equal(said.find(({ failure }) => failure !== undefined)?.failure, undefined)
    assert.match(stderr, new RegExp(`lodestore: fault: ${point}`), 'the point was not met')
    return said.some(({ done }) => done === true)
  }

  /** Every other one dies at a point, each point of a work in turn. */
  async round(number: number): Promise<void> {
    const each = CASES[number % CASES.length]!
    const what = nameOf(each)
    const turn = this.turns.get(what) ?? 0
    this.turns.set(what, turn + 1)
    const points = Object.keys(each.points)
    const isAtPoint = this.options.library !== undefined && turn % 2 === 0
    const point = isAtPoint ? points[(turn / 2) % points.length] : undefined
    const directory = join(this.directory, 'round')
    mkdirSync(directory)
    const { name, sealed } = each
    const path = join(directory, 'db')
    const other = name === 'restore' ? this.template('new', sealed) : join(directory, 'other')
    const template = this.template('old', sealed, each.isLarge)
    if (each.isNew !== true) await cp(template, path, { recursive: true })
    const work = { name, path, other, sealed }
    const where = `${name}${sealed ? ', encrypted' : ''}, ${point ?? 'a random moment'}`
    try {
      const done = await this.kill(each, work, point)
      count(this.outcomes.places, `${what}: ${done ? 'had ended' : (point ?? 'a random moment')}`)
      count(this.outcomes.states, `${what}: ${await each.check(work, done)}`)
    } catch (error) {
      throw new Error(where, { cause: error })
    }
    rmSync(directory, { recursive: true, force: true })
  }
}

const nameOf = ({ name, sealed, isNew }: Case): string =>
  `${name}${sealed ? ' (encrypted)' : ''}${isNew === true ? ' where nothing was' : ''}`

/** Kills so many processes; throws, naming the round, if what is found is no valid state. */
export async function killCare(options: KillOptions): Promise<Outcomes> {
  const kills = new Kills(options)
  let number = 0
  try {
    await kills.prepare()
    for (; number < options.rounds; number++) {
      await kills.round(number)
      options.onRound?.(number + 1)
    }
    const { states, places } = kills.outcomes
    return { states: sorted(states), places: sorted(places) }
  } catch (error) {
    throw new Error(`LODESTORE_SEED=${options.seed}, round ${number}`, { cause: error })
  } finally {
    rmSync(kills.directory, { recursive: true, force: true })
  }
}
