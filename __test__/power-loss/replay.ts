/**
 * A program that rebuilds states of the disk from a log, opens each, and looks whether it is one
 * that may be there. In a process of its own, since a damaged database could end it.
 */

import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open } from '../../index.js'
import { say } from '../support/parent'
import { readLog } from '../support/preload'
import { Random } from '../support/random'
import { Disk, randomStyle, type Style } from './disk'
import { History, differenceOf, type Contents } from './history'
import { PASSING, STORES, type Durability } from './plan'
import { OTHER_BOOT, write, type Files } from './states'

/** What the program is told to do. */
export interface ReplayOrder {
  log: string
  /** The directory that the log is about. */
  directory: string
  durability: Durability
  seed: number
  steps: number
  states: number
  /** One state only. */
  only?: number
  /** Where states are built. */
  scratch: string
}

/** How many states there were of a kind. */
export interface Tally {
  states: number
  /** Before `open` was acknowledged: opened, or created anew. */
  unborn: number
  /** `none`: the machine's restart was noticed and everything checked; found damaged. */
  noticed: number
  damaged: number
  /** Whole after that, but made of the states of several moments. */
  mixed: number
  backups: number
}

class Wrong extends Error {}

async function contentsOf(db: any): Promise<Contents> {
  const there = db.storeNames as string[]
  const rowsOf = async (name: string): Promise<[any, any][]> => {
    if (!there.includes(name)) return []
    const entries = await db.store(name).entries().toArray()
    return entries.map(({ key, value }: any) => [key, value])
  }
  const docs = there.includes('docs') ? db.store('docs') : undefined
  return {
    rows: {
      docs: await rowsOf('docs'),
      large: await rowsOf('large'),
      scratch: await rowsOf('scratch'),
    },
    passing: ((docs?.indexNames ?? []) as string[])
      .filter((name) => name in PASSING)
      .map((name) => ({ name, ready: docs.index(name).state === 'ready' })),
  }
}

/** Opens a database; gives the warning that the open came with, too. */
async function opened(path: string, options: object): Promise<{ db: any; warning: any }> {
  const db: any = await open(path, options)
  let warning: any
  db.on('warning', (given: unknown) => (warning = given))
  db.on('error', (given: any) => (warning = given))
  // What was found at the open is told with the first messages.
  await new Promise(setImmediate)
  return { db, warning }
}

/** Has the engine check everything, as it does after a restart that left writes unsynced. */
async function checkAll(path: string): Promise<void> {
  writeFileSync(join(path, 'lodestore.lock'), OTHER_BOOT)
  const { db, warning } = await opened(path, { mode: 'open' })
  await db.close()
  if (!/were checked and are whole/.test(warning?.message ?? '')) {
    throw new Wrong(`the engine did not check everything: ${warning?.message}`)
  }
}

class Replay {
  readonly tally: Tally = {
    states: 0,
    unborn: 0,
    noticed: 0,
    damaged: 0,
    mixed: 0,
    backups: 0,
  }

  constructor(
    private readonly order: ReplayOrder,
    private readonly history: History,
  ) {}

  /** Checks the database of a state, and the backups in it. */
  async check(files: Files, target: string, random: Random): Promise<void> {
    this.tally.states++
    const { durability } = this.order
    const marker = files.get('db/lodestore.lock')
    const noticed = marker !== undefined && marker.length > 0
    if (durability === 'none' && noticed) await this.checkNoticed(join(target, 'db'))
    else if (!this.history.opened) await this.checkUnborn(join(target, 'db'))
    else await this.checkWhole(join(target, 'db'), noticed)
    for (const { at, model, done } of this.history.backups()) {
      const path = join(target, `backup-${at}`)
      if (!files.has(`backup-${at}`)) {
        if (done) throw new Wrong(`backup ${at} was acknowledged, and is not there`)
        continue
      }
      if (done && random.chance(0.8)) continue
      this.tally.backups++
      const { db } = await opened(path, { mode: 'open' })
      const difference = differenceOf(model, await contentsOf(db))
      await db.close()
      if (difference !== undefined) throw new Wrong(`backup ${at}: ${difference}`)
      await checkAll(path)
    }
  }

  /** The database was being created. */
  private async checkUnborn(path: string): Promise<void> {
    const { db } = await opened(path, {})
    await db.close()
    await checkAll(path)
    this.tally.unborn++
  }

  /** Strict and relaxed commits: whole, and a state that there was. */
  private async checkWhole(path: string, noticed: boolean): Promise<void> {
    const { db, warning } = await opened(path, { mode: 'open', durability: 'relaxed' })
    const contents = await contentsOf(db)
    const wrong = this.history.judge(contents)
    if (wrong !== undefined) throw new Wrong(wrong)
    if (noticed !== (warning !== undefined)) throw new Wrong(`a warning: ${warning?.message}`)
    // It goes on from there.
    await db.store('docs').put({ id: 'after', group: 1, n: 1, tags: [1], u: 'after' })
    await db.close()
    await checkAll(path)
  }

  /** Commits of durability `none` may be damaged, which must not go unnoticed. */
  private async checkNoticed(path: string): Promise<void> {
    let found
    try {
      found = await opened(path, { mode: 'open', durability: 'relaxed' })
    } catch (error: any) {
      if (error.code !== 'CORRUPT') throw error
      this.tally.damaged++
      return
    }
    const { db, warning } = found
    this.tally.noticed++
    if (!/were checked and are whole/.test(warning?.message ?? '')) {
      throw new Wrong(`nothing was said of the restart: ${warning?.message}`)
    }
    const contents = await contentsOf(db)
    const wrong = this.history.judgeOrigin(contents)
    if (wrong !== undefined) throw new Wrong(wrong)
    if (!this.history.isOneState(contents)) this.tally.mixed++
    if (!db.storeNames.includes('docs')) await db.createObjectStore('docs', STORES.docs)
    for (let i = 0; i < 20; i++) {
      await db.store('docs').put({ id: `after ${i}`, group: 1, n: i, tags: [1], u: `after ${i}` })
    }
    await db.close()
    await checkAll(path)
  }
}

async function main(): Promise<void> {
  const order: ReplayOrder = JSON.parse(process.argv[2]!)
  const log = readLog(order.log)
  const random = new Random(order.seed)
  // How many records are replayed before each state.
  const points = Array.from({ length: order.states }, () => random.between(0, log.length)).toSorted(
    (a, b) => a - b,
  )
  const history = new History(order.seed, order.steps, order.durability)
  const replay = new Replay(order, history)
  const disk = new Disk(order.directory)
  let at = 0
  for (const [i, point] of points.entries()) {
    for (; at < point; at++) {
      const record = log[at]!
      if (record.type === 'mark') history.hear(record.payload.toString())
      else disk.replay(record)
    }
    if (order.only !== undefined && order.only !== i) continue
    const choice = new Random(order.seed + 7_919 * (i + 1))
    const style: Style = randomStyle(choice)
    const files = disk.afterFailure(choice, style)
    const target = join(order.scratch, `state-${i}`)
    say({ state: i, point, style })
    write(files, target)
    try {
      await replay.check(files, target, choice)
    } catch (error: any) {
      const kept = join(dirname(order.log), `failed-${i}`)
      rmSync(kept, { recursive: true, force: true })
      write(files, kept)
      say({
        failure: error instanceof Wrong ? error.message : (error?.stack ?? String(error)),
        kept,
      })
      rmSync(target, { recursive: true, force: true })
      return
    }
    rmSync(target, { recursive: true, force: true })
  }
  say({ tally: replay.tally })
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
