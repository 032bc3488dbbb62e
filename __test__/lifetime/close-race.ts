/** Calls that race with `close`. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { LodestoreError, open } from '../../index.js'
import { assertConsistent, checkDatabase, soon } from '../support/check'
import { Random } from '../support/random'
import { STORES, callsOf, fill } from './calls.js'
import { assertCopies, assertWhole, filesOpenIn } from './leftovers'

/** What calls may fail with when the database is closed under them. */
const INTERRUPTED = ['CLOSED', 'TX_INACTIVE', 'ABORTED']
/** Calls that use databases of their own. */
const INDEPENDENT = ['open', 'open in memory', 'open that is not closed', 'close']
/** Calls that are one write, which is accepted at once. */
const ACCEPTED = ['put', 'add']

type Begin = () => Promise<unknown>
type Close = () => Promise<void>

/** When a call is made: `[the call, close]`, begun. */
const moments: Record<string, (begin: Begin, close: Close, random: Random) => Promise<any>> = {
  'just before': async (begin, close) => [begin(), close()],
  'a turn before': async (begin, close) => {
    const call = begin()
    await setImmediate()
    return [call, close()]
  },
  'some time before': async (begin, close, random) => {
    const call = begin()
    await setTimeout(random.below(12))
    return [call, close()]
  },
  'just after': async (begin, close) => {
    const closing = close()
    return [begin(), closing]
  },
  'a turn after': async (begin, close) => {
    const closing = close()
    await setImmediate()
    return [begin(), closing]
  },
  'when it is closed': async (begin, close) => {
    await close()
    return [begin(), close()]
  },
}

/** A call as a promise whose rejection waits to be looked at. */
function begun(call: () => unknown): Promise<unknown> {
  const promise = (async () => call())()
  promise.catch(() => {})
  return promise
}

function checkOutcome(
  what: string,
  isAfter: boolean,
  outcome: PromiseSettledResult<unknown>,
): void {
  const { status } = outcome
  if (status === 'fulfilled') {
    assert.ok(!isAfter, `${what} was done by a closed database`)
    return
  }
  const { reason } = outcome
  assert.ok(reason instanceof LodestoreError, `${what}: ${reason?.stack}`)
  const codes = isAfter ? ['CLOSED'] : INTERRUPTED
  assert.ok(codes.includes(reason.code), `${what}: ${reason.stack}`)
}

/** What was acknowledged is there, what failed is not; by the names of the documents. */
async function checkWritten(db: any, call: string, name: string, done: boolean): Promise<void> {
  const range = { gte: `${name} `, lt: `${name}!` }
  if (ACCEPTED.includes(call)) {
    const expected = call === 'put' ? 40 : 1
    assert.equal(await db.store('written').count(range), done ? expected : 0, `${call} of ${name}`)
  } else if (call.startsWith('putMany') && call !== 'putMany, each') {
    const first = await db.store('batches').get([`${name} 0`, 0])
    assert.equal(first !== undefined, done, `${call} of ${name}`)
  }
}

/** What is to be raced. */
export interface Options {
  seed: number
  calls: string[]
}

/** Lets every call race with `close`, at every moment. @returns how many races there were */
export async function raceWithClose({ seed, calls }: Options): Promise<number> {
  const random = new Random(seed)
  const path = mkdtempSync(join(tmpdir(), 'lodestore-test-'))
  mkdirSync(join(path, 'copies'))
  const first = await open(path, { stores: STORES, durability: 'relaxed' })
  await fill(first)
  await first.close()
  let races = 0
  for (const call of calls) {
    for (const [moment, race] of Object.entries(moments)) {
      const name = `race ${races++}`
      const what = `${call}, ${moment} close`
      // With another handle, the files stay open; without, they are closed under the call.
      const other = random.chance(0.5) ? ((await open(path)) as any) : undefined
      const db = (await open(path, { durability: 'relaxed' })) as any
      const make = callsOf(open, path, name)[call]!
      const pair = await race(
        () => begun(() => make(db, 0)),
        () => db.close(),
        random,
      )
      const [outcome, closed] = await soon(what, Promise.allSettled(pair))
      if (closed!.status === 'rejected') throw closed.reason
      const isAfter = moment.includes('after') || moment.includes('is closed')
      checkOutcome(what, isAfter && !INDEPENDENT.includes(call), outcome!)
      const done = outcome!.status === 'fulfilled'
      if (moment === 'just before' && ACCEPTED.includes(call)) assert.ok(done, what)
      const again = other ?? ((await open(path)) as any)
      await checkWritten(again, call, name, done)
      await soon(
        `a transaction after ${what}`,
        again.transaction(() => again.store('main').put(1, 1)),
      )
      await soon(`closing after ${what}`, again.close())
    }
  }
  await assertCopies(path)
  const last = (await open(path)) as any
  await assertWhole(last)
  await assertConsistent(last)
  await last.close()
  assert.deepEqual(filesOpenIn(path), [])
  await checkDatabase(path)
  rmSync(path, { recursive: true })
  return races
}
