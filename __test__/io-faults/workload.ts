/** A fixed piece of work on a database, and what has to be there when some of it failed. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import { isSame } from '../support/same'

export const STORES = {
  docs: { keyPath: 'id', indexes: { byN: { on: 'n' }, byTag: { on: 'tags', multiEntry: true } } },
  scratch: { keyPath: 'id', indexes: { byPad: { on: 'pad' } } },
} as const

/** So small that it has to grow. */
const MAP_SIZE = 1 << 20
/** More than the sweeper removes in one commit. */
const SCRATCH = 1_500

const doc = (id: string, n: number): any => ({ id, n, tags: [n, 'all'], pad: 'p'.repeat(n * 30) })
const large = (id: string, size: number): any => ({
  id,
  n: size,
  tags: [],
  body: new Uint8Array(size).fill(7),
})
const scratch = Array.from({ length: SCRATCH }, (_, id) => ({ id, pad: `${id % 7}` }))
const many = Array.from({ length: 50 }, (_, i) => doc(`many ${i}`, i))

/** What runs with the database open; `written` is there, all of it or nothing, when it is done. */
interface Operation {
  name: string
  run: (db: any, directory: string) => Promise<unknown>
  written?: any[]
}

const put = (id: string): Operation => ({
  name: `put ${id}`,
  run: (db) => db.store('docs').put(doc(id, 3)),
  written: [doc(id, 3)],
})

const both = [doc('left', 1), doc('right', 2)]
const grown = [0, 1, 2].map((i) => large(`grown ${i}`, 500_000))

/** The operations, in the two lives of the database. */
const LIVES: Operation[][] = [
  [
    put('first'),
    { name: 'putMany', run: (db) => db.store('docs').putMany(many), written: many },
    {
      name: 'large put',
      run: (db) => db.store('docs').put(large('large', 200_000)),
      written: [large('large', 200_000)],
    },
    {
      name: 'transaction',
      run: (db) =>
        db.transaction(async (tx: any) => {
          await tx.store('docs').put(both[0])
          await tx.store('docs').put(both[1])
        }),
      written: both,
    },
    { name: 'createIndex', run: (db) => db.createIndex('docs', 'later', ['n', 'id']) },
    { name: 'fill', run: (db) => db.store('scratch').putMany(scratch) },
    { name: 'clear', run: (db) => db.store('scratch').clear() },
    { name: 'grow', run: (db) => db.store('docs').putMany(grown), written: grown },
    { name: 'flush', run: (db) => db.flush() },
    { name: 'backup', run: (db, directory) => db.backup(join(directory, 'backup')) },
    { name: 'compact', run: (db) => db.compact() },
    put('compacted'),
  ],
  [
    put('again'),
    { name: 'delete', run: (db) => db.store('docs').delete('first') },
    // One after another, so that commits are deferred.
    ...Array.from({ length: 8 }, (_, i) => put(`one of several ${i}`)),
    put('last'),
  ],
]

/** How an operation ended. */
export interface Outcome {
  name: string
  error: any
}

/** What database it is. */
export interface Sort {
  durability: 'strict' | 'relaxed'
  /** Whether it is encrypted. */
  isSealed: boolean
}

/** The options of `open` that say how it is encrypted. */
export const secret = (isSealed: boolean): { encryption?: { key: Uint8Array } } =>
  isSealed ? { encryption: { key: new Uint8Array(32).fill(7) } } : {}

const openIt = (path: string, { durability, isSealed }: Sort): Promise<any> =>
  open(path, { stores: STORES, mapSize: MAP_SIZE, durability, ...secret(isSealed) })

/** Does everything, each part whatever became of those before; tells how each ended. */
export async function work(directory: string, sort: Sort): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const attempt = async (name: string, run: () => Promise<unknown>): Promise<any> => {
    let value
    let error
    try {
      value = await run()
    } catch (thrown) {
      error = thrown
    }
    outcomes.push({ name, error })
    return value
  }
  for (const [life, operations] of LIVES.entries()) {
    const db = await attempt(`open ${life}`, () => openIt(join(directory, 'db'), sort))
    if (db === undefined) continue
    db.on('error', () => {})
    db.on('warning', () => {})
    for (const { name, run } of operations) await attempt(name, () => run(db, directory))
    await attempt(`read ${life}`, () => db.store('docs').getAll())
    await attempt(`close ${life}`, () => db.close())
  }
  return outcomes
}

class Wrong extends Error {}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Wrong(message)
}

/** Checks that what was acknowledged is there, and nothing else than what was tried. */
export function judge(directory: string, db: any, docs: any[], outcomes: Outcome[]): void {
  const failed = new Map(outcomes.map(({ name, error }) => [name, error]))
  const acknowledged = (name: string): boolean => failed.has(name) && failed.get(name) === undefined
  const there = new Map(docs.map((document) => [document.id, document]))
  for (const { name, written = [] } of LIVES.flat()) {
    const found = written.filter(({ id }) => there.has(id))
    for (const document of found) {
      check(isSame(there.get(document.id), document), `${name}: ${document.id} differs`)
    }
    const gone = name === 'put first' && failed.has('delete')
    if (acknowledged(name) && !gone) check(found.length === written.length, `${name} is lost`)
    check(found.length === 0 || found.length === written.length, `${name} is half there`)
    for (const { id } of written) there.delete(id)
  }
  check(there.size === 0, `${[...there.keys()]} were never written`)
  check(!(acknowledged('delete') && docs.some(({ id }) => id === 'first')), 'the delete is lost')
  if (acknowledged('createIndex')) {
    check(db.store('docs').indexNames.includes('later'), 'the index is lost')
  }
  const hasBackup = existsSync(join(directory, 'backup'))
  check(hasBackup || !acknowledged('backup'), 'the backup is lost')
  const left = readdirSync(join(directory, 'db')).filter((name) => name.startsWith('compact-'))
  check(left.length === 0, `a compaction left ${left}`)
}

/** How many documents `scratch` has at the end. */
export function judgeScratch(count: number, outcomes: Outcome[]): void {
  const failed = new Map(outcomes.map(({ name, error }) => [name, error]))
  const allowed = new Set([0, SCRATCH])
  if (failed.has('clear') && failed.get('clear') === undefined) allowed.delete(SCRATCH)
  check(allowed.has(count), `scratch has ${count} documents`)
}
