/** Terminates threads in the middle of their calls, and looks at what they leave behind. */

/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import { assertConsistent, checkDatabase, soon, until } from '../support/check'
import { Random } from '../support/random'
import { COUNT, STORES, fill } from './calls.js'
import { assertCopies, assertWhole, filesOpenIn } from './leftovers'

/** The longest that a call goes on before its thread is terminated, in microseconds. */
const LONGEST = 12_000

function start(path: string, call: string, name: string): Worker {
  const workerData = { path, call, name }
  const worker = new Worker(join(__dirname, 'victim.mjs'), { workerData, execArgv: [] })
  worker.on('error', (error) => {
    throw new Error(`${call} failed`, { cause: error })
  })
  return worker
}

/** Lets some microseconds pass, too few for a timer. */
function pass(microseconds: number): void {
  const end = performance.now() + microseconds / 1000
  while (performance.now() < end);
}

/** Terminates a thread in the middle of a call. */
async function victim(path: string, call: string, name: string, random: Random): Promise<void> {
  const worker = start(path, call, name)
  const calls = random.chance(0.7) ? 1 : random.between(2, 6)
  for (let n = 0; n < calls; n++) await soon(`${call} of ${name}`, once(worker, 'message'))
  // As often shortly after its beginning as later on.
  pass(Math.floor(LONGEST ** random.next()))
  await soon(`terminating ${call}`, worker.terminate())
}

/** What a round is to do. */
export interface Options {
  seed: number
  calls: string[]
  /** Threads for each call. */
  times: number
  onCall?: (call: string) => void
}

/** Terminates threads, each in a call of its kind. @returns how many there were */
export async function terminateThreads({ seed, calls, times, onCall }: Options): Promise<number> {
  const random = new Random(seed)
  const path = mkdtempSync(join(tmpdir(), 'lodestore-test-'))
  mkdirSync(join(path, 'copies'))
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  await fill(db)
  await setImmediate()
  const { readers } = await db.stats()
  let killed = 0
  for (const call of calls) {
    onCall?.(call)
    const names = Array.from({ length: times }, () => `victim ${killed++}`)
    for (const name of names) {
      await victim(path, call, name, random)
      // The main thread's handle works at once, whatever the thread was doing.
      await soon(`a write after ${call}`, db.store('main').put(call, name))
      assert.equal(await soon(`a read after ${call}`, db.store('main').get(name)), call)
    }
    const free = db.transaction((tx: any) => tx.store('main').put('free', 'writer'))
    await soon(`a transaction after ${call}`, free)
    await until(`the end of the snapshots after ${call}`, async () => {
      await setImmediate()
      return (await db.stats()).readers <= readers
    })
    await assertWhole(db)
    await assertCopies(path)
  }
  await assertConsistent(db)
  await soon('compact', db.compact())
  assert.equal(await db.store('read').count(), COUNT)
  await soon('close', db.close())
  await until('the closing of all files', () => filesOpenIn(path).length === 0)
  await checkDatabase(path)
  rmSync(path, { recursive: true, force: true })
  return killed
}
