/** Where calls may be made on a database and what it gave. */

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LodestoreError } from '../../index.js'
import { committedIn, objectsOf } from './objects'
import { wordFor, type Probe } from './probe'
import type { Objects } from './rows'
import { commitNew, openOld, writeOwn } from './state'

/** A situation: makes the calls of some probes, and says what became of them. */
export interface Situation {
  /** The column. */
  name: string
  /** The classes whose methods are called. */
  classes: readonly string[]
  /** Whether all calls are refused or change nothing, so that they may be made together. */
  inert?: boolean
  run(probes: readonly Probe[], directory: string): Promise<string[]>
}

export const ON_DATABASE = [
  'Database',
  'Snapshot',
  'Store',
  'Index',
  'Cursor',
  'Scan',
  'ScanIterator',
  'Query',
  'Pipeline',
]

/** A database that knows two states: what was made before the second shows the first. */
export interface Stage {
  db: any
  probes: readonly Probe[]
  directory: string
  /** Gives each probe things of its own to call, made from a database, snapshot or transaction. */
  use(of: string, make: () => unknown): Promise<void>
  /** Makes the calls. */
  act(): void
  /** What became of the calls when nothing holds them up. */
  words(): Promise<string[]>
}

/** Sets a database up, runs something on it, and closes it. */
export async function onStage(
  probes: readonly Probe[],
  directory: string,
  run: (stage: Stage) => Promise<string[]>,
): Promise<string[]> {
  const db = await openOld(join(directory, 'database'))
  const objects = new Map<Probe, Objects>()
  const use = async (of: string, make: () => unknown): Promise<void> => {
    for (const [i, probe] of probes.entries()) {
      const scope = await make()
      const made = await objectsOf(probe.row.of, scope, join(directory, `target ${i}`))
      objects.set(probe, { ...objects.get(probe), ...made, [of]: scope })
    }
  }
  try {
    if (probes.some(({ row }) => row.method === 'deleteSpace')) {
      await (await openOld(join(directory, 'database'), { space: 'space' })).close()
    }
    await use('Database', () => db)
    return await run({
      db,
      probes,
      directory,
      use,
      act: () => {
        for (const probe of probes) probe.start(() => probe.row.call(objects.get(probe)!))
      },
      words: () => Promise.all(probes.map((probe) => wordOf(probe, db))),
    })
  } finally {
    await db.close()
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

export async function wordOf(probe: Probe, db: any): Promise<string> {
  const settled = await probe.end()
  return wordFor(probe.row, settled, db.closed ? null : committedIn(db))
}

/** A place in code that is called back while something else is under way. */
function context(name: string, run: (stage: Stage) => Promise<string[]>, inert = false): Situation {
  return {
    name,
    inert,
    classes: ON_DATABASE,
    run: (probes, directory) => onStage(probes, directory, run),
  }
}

/** What the outer operation that was under way has come to. */
async function outerWorks(db: any, outer: Promise<unknown>): Promise<void> {
  try {
    await outer
  } catch (error) {
    // Closing the database, or deleting the store, ends what is under way; nothing else does.
    if (!(error instanceof LodestoreError)) throw error
    const isClosed = db.closed && error.code === 'CLOSED'
    const isDeleted = error.code === 'STORE_NOT_FOUND' && !db.storeNames.includes('t')
    if (!isClosed && !isDeleted) throw error
  }
}

const THROWN = new RangeError('rolls back')

/** Runs a function in a transaction, which is rolled back. */
async function rolledBack(transaction: Promise<unknown>): Promise<void> {
  await transaction.catch((error) => {
    const isExpected =
      error === THROWN || (error instanceof LodestoreError && error.code === 'CLOSED')
    if (!isExpected) throw error
  })
}

/** What became of a call that was made inside a transaction, which is still open. */
export async function wordInside(probe: Probe, db: any): Promise<string> {
  const { row, settled } = probe
  const worked = settled !== null && 'value' in settled
  // A write that worked without being committed is a part of the transaction.
  if (worked && row.wrote !== undefined && !db.closed && !row.wrote(committedIn(db))) return 'joins'
  return wordOf(probe, db)
}

/** What became of calls made while a transaction is open; null for those that wait. */
export async function wordsInside(
  { probes, db }: Stage,
  turn: () => Promise<unknown>,
): Promise<(string | null)[]> {
  const wordOr = async (probe: Probe): Promise<string | null> =>
    (await probe.waitsFor(turn)) ? null : wordInside(probe, db)
  return Promise.all(probes.map(wordOr))
}

/** The same, completed when what the calls waited for has ended. */
export async function wordsAfter(
  { probes, db }: Stage,
  early: readonly (string | null)[],
  wordAt: (probe: Probe, db: any) => Promise<string> = wordOf,
): Promise<string[]> {
  const words: string[] = []
  for (const [i, probe] of probes.entries()) {
    await probe.end()
    words.push(early[i] ?? `waits, ${await wordAt(probe, db)}`)
  }
  return words
}

/** Checks that what joined a transaction that was rolled back is undone. */
function checkUndone({ probes, db }: Stage, words: readonly (string | null)[]): void {
  if (db.closed) return
  for (const [i, { row }] of probes.entries()) {
    if (words[i] === 'joins')
      assert.equal(row.wrote!(committedIn(db)), false, `${row.method} stays`)
  }
}

export const CONTEXTS: readonly Situation[] = [
  context('scan', async (stage) => {
    const { db } = stage
    const scanned: string[] = []
    const scanning = (async () => {
      for await (const { n } of db.store('s').range()) {
        if (scanned.push(n) > 1) continue
        await commitNew(db)
        stage.act()
        await Promise.all(stage.probes.map((probe) => probe.end()))
      }
    })()
    await outerWorks(db, scanning)
    if (!db.closed) assert.deepEqual(scanned, ['old', 'old', 'old', 'old'])
    return stage.words()
  }),

  context('cursor', async (stage) => {
    const { db } = stage
    const cursor = db.store('s').index('byV').openCursor()
    await cursor.next()
    await commitNew(db)
    stage.act()
    const words = await stage.words()
    await outerWorks(
      db,
      cursor.next().then(() => assert.equal(cursor.value.n, 'old')),
    )
    await cursor.close()
    return words
  }),

  context('transaction', async (stage) => {
    const { db } = stage
    await commitNew(db)
    let early: (string | null)[] = []
    const inside = db.transaction(async (tx: any) => {
      await writeOwn(tx)
      stage.act()
      early = await wordsInside(stage, () => tx.store('t').get(1))
      throw THROWN
    })
    await rolledBack(inside)
    checkUndone(stage, early)
    return wordsAfter(stage, early)
  }),

  context('read-only', async (stage) => {
    const { db } = stage
    let words: string[] = []
    const inside = db.transaction(
      async () => {
        await db.outside(() => commitNew(db))
        stage.act()
        words = await stage.words()
      },
      { mode: 'readonly' },
    )
    await outerWorks(db, inside)
    return words
  }),

  context('busy', async (stage) => {
    const { db } = stage
    await commitNew(db)
    const holder = await db.begin()
    await writeOwn(holder)
    stage.act()
    const early = await wordsInside(stage, () => holder.store('t').get(1))
    if (holder.active) await holder.rollback()
    return wordsAfter(stage, early)
  }),

  context('onProgress', async (stage) => {
    const { db, directory } = stage
    await commitNew(db)
    // Without the spaces: one that is being copied is busy, and which one is depends on the moment.
    const options = { spaces: false, onProgress: stage.act }
    await outerWorks(db, db.backup(join(directory, 'backup'), options))
    return stage.words()
  }),

  context('iterable', async (stage) => {
    const { db } = stage
    await commitNew(db)
    function* documents(): Generator<object> {
      yield { id: 50 }
      stage.act()
      yield { id: 51 }
    }
    await outerWorks(db, db.store('t').putMany(documents()))
    const words = await stage.words()
    if (!db.closed && db.storeNames.includes('t')) assert.equal(await db.store('t').count(), 2)
    return words
  }),

  context('async iterable', async (stage) => {
    const { db } = stage
    await commitNew(db)
    let early: (string | null)[] = []
    async function* documents(): AsyncGenerator<object> {
      // What is beyond 10,000 documents is written in a transaction, which begins when all of the
      // first ones are there.
      for (let id = 50; id < 50 + 10_050; id++) yield { id }
      stage.act()
      early = await wordsInside(stage, () => db.store('t').get(50))
      throw THROWN
    }
    await rolledBack(db.store('t').putMany(documents()))
    checkUndone(stage, early)
    return wordsAfter(stage, early)
  }),

  context('getter', async (stage) => {
    const { db } = stage
    await commitNew(db)
    const document = {
      id: 50,
      before: ['a', 1],
      get inner() {
        stage.act()
        return { deep: true }
      },
      after: 'z',
    }
    await outerWorks(db, db.store('t').put(document))
    const words = await stage.words()
    if (db.closed || !db.storeNames.includes('t')) return words
    const expected = { id: 50, before: ['a', 1], inner: { deep: true }, after: 'z' }
    assert.deepEqual(await db.store('t').get(50), expected)
    return words
  }),

  context('key', async (stage) => {
    const { db } = stage
    await commitNew(db)
    await db.store('t').put({ id: [1, 2], found: true })
    const key = Object.defineProperty([1, 0], 1, {
      enumerable: true,
      get: () => {
        stage.act()
        return 2
      },
    })
    const found = db.store('t').get(key)
    await outerWorks(
      db,
      found.then((document: any) => assert.equal(document.found, true)),
    )
    return stage.words()
  }),

  context('listener', async (stage) => {
    const { db } = stage
    await commitNew(db)
    db.once('warning', stage.act)
    db.emit('warning', new RangeError('emitted on purpose'))
    return stage.words()
  }),

  context(
    'closing',
    async (stage) => {
      const { db } = stage
      await commitNew(db)
      const closing = db.close()
      stage.act()
      await closing
      return stage.words()
    },
    true,
  ),

  context(
    'closed',
    async (stage) => {
      const { db } = stage
      await commitNew(db)
      db.once('close', stage.act)
      await db.close()
      return stage.words()
    },
    true,
  ),
]
