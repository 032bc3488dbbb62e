/** Processes that end in every way while every kind of call is pending. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../../index.js'
import { assertConsistent, checkDatabase, soon } from '../support/check'
import { Child, type Ended } from '../support/child'
import { Random } from '../support/random'
import { STORES, fill } from './calls.js'
import { assertCopies, assertWhole } from './leftovers'

/** The longest that a call goes on before its process ends, in microseconds. */
const LONGEST = 8000

/** What a process is to say in the end, by the way in which it ends. */
const ways: Record<string, (ended: Ended, settled: string | undefined) => void> = {
  'natural end': ({ code, stderr }, settled) => {
    assert.deepEqual({ code, stderr, settled }, { code: 0, stderr: '', settled: 'fulfilled' })
  },
  'process.exit': ({ code, stderr }) => {
    assert.deepEqual({ code, stderr }, { code: 7, stderr: '' })
  },
  'uncaught exception': ({ code, stderr }) => {
    assert.equal(code, 1)
    assert.match(stderr, /thrown on purpose/)
  },
  'unhandled rejection': ({ code, stderr }) => {
    assert.equal(code, 1)
    assert.match(stderr, /rejected on purpose/)
  },
  SIGTERM: ({ signal, stderr }) => {
    assert.deepEqual({ signal, stderr }, { signal: 'SIGTERM', stderr: '' })
  },
  'close on SIGTERM': ({ code, signal, stderr }, settled) => {
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    assert.ok(['fulfilled', 'CLOSED', 'TX_INACTIVE', 'ABORTED'].includes(settled!), settled)
  },
}

/** The ways in which a process may end. */
export const WAYS = process.platform === 'win32' ? Object.keys(ways).slice(0, 4) : Object.keys(ways)

/** What is to be ended. */
export interface Options {
  seed: number
  /** Calls and ways to end. */
  pairs: [call: string, way: string][]
}

/** Ends processes, each with a call pending. @returns how many had their call settled */
export async function endProcesses({ seed, pairs }: Options): Promise<number> {
  const random = new Random(seed)
  const path = mkdtempSync(join(tmpdir(), 'lodestore-test-'))
  mkdirSync(join(path, 'copies'))
  const first = await open(path, { stores: STORES, durability: 'relaxed' })
  await fill(first)
  await first.close()
  let settledInAll = 0
  for (const [i, [call, way]] of pairs.entries()) {
    const what = `${call}, ${way}`
    const wait = Math.floor(LONGEST ** random.next())
    const args = [path, call, way, `process ${i}`, `${wait}`]
    const child = new Child(join(__dirname, 'ends.mjs'), args, { plain: true })
    try {
      const said: { begun?: true; settled?: string }[] = []
      if (way.includes('SIGTERM')) {
        while (said.at(-1)?.begun !== true) said.push(await soon(what, child.next()))
        child.signal('SIGTERM')
      }
      const ended = await soon(what, child.ended)
      said.push(...(await child.rest()))
      const settled = said.find((each) => each.settled !== undefined)?.settled
      if (settled === 'fulfilled') settledInAll++
      ways[way]!(ended, settled)
    } catch (error) {
      throw new Error(`LODESTORE_SEED=${seed}: ${what}`, { cause: error })
    } finally {
      child.process.kill('SIGKILL')
    }
    const db = (await open(path)) as any
    await assertWhole(db)
    await soon(`a write after ${what}`, db.store('main').put(i, 'last'))
    await db.close()
  }
  // A process that ends leaves what it has copied so far, under another name.
  for (const name of readdirSync(join(path, 'copies'))) {
    if (name.endsWith('.unfinished')) rmSync(join(path, 'copies', name), { recursive: true })
  }
  await assertCopies(path)
  const last = (await open(path)) as any
  await assertConsistent(last)
  await last.close()
  await checkDatabase(path)
  rmSync(path, { recursive: true })
  return settledInAll
}
