/** States that a power failure could have left of a database with files of graphs. */

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { runChild } from '../support/child'
import { ioEnvironment, readLog } from '../support/preload'
import { Random } from '../support/random'
import { check, graphFiles, isBuilt, openKept, vectorOf, type Model } from '../vector/kept'
import { Disk, randomStyle } from './disk'
import { optionsOf, type Order } from './record-graphs'
import { Lost, places } from './run'
import { write } from './states'

const RECORD = join(__dirname, 'record-graphs.ts')
/** Below so many vectors there is no graph. */
const LEAST = 1_000

/** What is to be recorded, and looked at. */
export interface Options {
  seed: number
  durability: Order['durability']
  rounds: number
  states: number
  isSealed?: boolean
  /** Rules of the preload library for the recorded program. */
  rules?: string
}

/** How many states had what. */
export interface Tally {
  /** The graph was read from a file, or made anew since no file counted yet. */
  read: number
  builtAnew: number
}

/**
 * @throws {Lost} when a state has a file that counts and is of no use, or something is not found;
 *   its files and the log are kept
 */
export async function graphPowerLoss(options: Options): Promise<Tally> {
  const { seed, durability, rounds, states, isSealed = false, rules } = options
  const { home, log, scratch, directory } = places()
  const tally: Tally = { read: 0, builtAnew: 0 }
  try {
    const order: Order = { directory, durability, seed, rounds, isSealed }
    const env = ioEnvironment({ directory, log, ...(rules === undefined ? {} : { rules }) })
    const recorded = await runChild(RECORD, [JSON.stringify(order)], { env })
    assert.equal(recorded.code, 0, recorded.stderr)
    const records = readLog(log)
    const kept = records.findIndex(({ type, payload }) => {
      return type === 'mark' && payload.toString() === 'kept'
    })
    assert.ok(kept >= 0)
    const random = new Random(seed)
    // From a while before the first file counts.
    const from = Math.max(0, kept - Math.floor((records.length - kept) / 4))
    const points = random.list(states, () => random.between(from, records.length))
    const disk = new Disk(directory)
    let at = 0
    for (const [i, point] of points.toSorted((a, b) => a - b).entries()) {
      for (; at < point; at++) if (records[at]!.type !== 'mark') disk.replay(records[at]!)
      const choice = new Random(seed + 7_919 * (i + 1))
      const target = join(scratch, `state-${i}`)
      const files = disk.afterFailure(choice, randomStyle(choice))
      write(files, target)
      try {
        tally[await verify([join(target, 'db'), isSealed], choice, point > kept)]++
      } catch (cause) {
        const failed = join(home, `failed-${i}`)
        write(files, failed)
        const what = `LODESTORE_SEED=${seed}, ${durability}, state ${i}, ${point} records`
        throw new Lost(`${what} (${failed})\n${(cause as Error).stack}`, log)
      }
      rmSync(target, { recursive: true, force: true })
    }
    rmSync(home, { recursive: true, force: true })
    return tally
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The index may have been about to be built. */
async function indexed(docs: any, random: Random): Promise<void> {
  for (let left = 1_000; ; left--) {
    try {
      await docs.nearest('near', vectorOf(random))
      return
    } catch (error: any) {
      if (error.code !== 'INDEX_NOT_READY' || left === 0) throw error
    }
    await later(10)
  }
}

/** All vectors that are there are found, by a graph that needed no second look. */
async function verify(
  [path, isSealed]: [string, boolean],
  random: Random,
  isKept: boolean,
): Promise<keyof Tally> {
  const db = await openKept(path, optionsOf(isSealed))
  const warnings: unknown[] = []
  db.on('warning', (warning: unknown) => warnings.push(warning))
  try {
    const docs = db.store('docs') as any
    const model: Model = new Map()
    for (const document of await docs.getAll()) model.set(document.id, document)
    assert.ok((await graphFiles(path)).length <= 1, 'what has no name is removed')
    await indexed(docs, random)
    const told = model.size >= LEAST ? await isBuilt(random, docs) : undefined
    await check(random, docs, model)
    assert.deepEqual(warnings, [])
    const isRead = (told?.fromFile ?? 0) > 0
    assert.ok(isRead || !isKept, 'what had been named is there')
    return isRead ? 'read' : 'builtAnew'
  } finally {
    await db.close()
  }
}
