/**
 * What a writer does: lanes that run side by side, each one operation after the other. Before an
 * operation a lane says what it is about to do, after it that it was acknowledged; so when the
 * process is killed, at most one operation of each lane is in doubt.
 */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { say } from '../support/parent'
import type { Random } from '../support/random'
import {
  ACCOUNTS,
  FIRST_BALANCE,
  PASSING,
  PASSING_INDEXES,
  PASSING_VECTORS,
  SCRATCH,
  SCRATCH_DEFINITION,
  largeBody,
  plainDocument,
  vectorsOf,
} from './stores'

/** What a writer starts from. */
export interface Start {
  /** The first version that was never used. */
  version: number
  /** The next transfer's number. */
  transfer: number
  /** The names of the passing indexes that are there. */
  indexes: string[]
  /** The generations in the scratch store; null if there is no such store. */
  scratch: number[] | null
  /** The keys in the numbered store. */
  numbered: number[]
  /** The directory for backups. */
  backups: string
}

/** A lane's report. */
export interface Report {
  lane: string
  begins?: any
  ends?: any
}

type Lane = (db: any, random: Random, start: Start, go: () => boolean) => Promise<void>

/** Enough for builds of several steps. */
const PLACES = 800

const begins = (lane: string, what: unknown): void => say({ lane, begins: what })
const ends = (lane: string, what: unknown = true): void => say({ lane, ends: what })

/** Batches of puts and deletes, of so many at most. */
export function plainLane(name: string, most = 25): Lane {
  return async (db, random, start, go) => {
    const store = db.store('plain')
    let { version } = start
    while (go()) {
      const length = most > 1 && random.chance(0.1) ? 300 : random.between(1, most)
      const batch = random.list(length, (): [number, number | null] => [
        random.below(PLACES),
        random.chance(0.25) ? null : version++,
      ])
      begins(name, batch)
      await Promise.all(
        batch.map(([place, next]) =>
          next === null
            ? store.delete(`${name}:${place}`)
            : store.put(plainDocument(name, place, next)),
        ),
      )
      ends(name)
    }
  }
}

/** Transfers between accounts: transactions over two stores, with savepoints. */
const bank: Lane = async (db, random, start, go) => {
  for (let number = start.transfer; go();) {
    const [from, to] = [random.below(ACCOUNTS), random.below(ACCOUNTS)]
    const amount = random.between(1, 50)
    const fails = random.chance(0.15)
    begins('bank', fails ? null : number)
    try {
      await db.transaction(async (tx: any) => {
        await move(tx, random, { number, from, to, amount })
        if (fails) throw new Undone()
      })
      number++
    } catch (error) {
      if (!(error instanceof Undone)) throw error
    }
    ends('bank')
  }
}

class Undone extends Error {}

async function move(tx: any, random: Random, transfer: any): Promise<void> {
  const accounts = tx.store('accounts')
  if (transfer.number === 0) {
    for (let id = 0; id < ACCOUNTS; id++) void accounts.put({ id, balance: FIRST_BALANCE })
  }
  const add = async (id: number, amount: number): Promise<void> => {
    const account = await accounts.get(id)
    await accounts.put({ ...account, balance: account.balance + amount })
  }
  await add(transfer.from, -transfer.amount)
  if (random.chance(0.3)) {
    const undone = tx.savepoint(async (inner: any) => {
      await inner.store('transfers').put({ number: -1, amount: 0 })
      await inner.store('accounts').delete(transfer.to)
      throw new Undone()
    })
    await undone.catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  }
  await tx.savepoint(async (inner: any) => {
    await add(transfer.to, transfer.amount)
    await inner.store('transfers').add(transfer)
  })
}

/** Indexes that are built on live data and dropped. */
const schema: Lane = async (db, random, start, go) => {
  const there = new Set(start.indexes)
  while (go()) {
    const name = random.pick(PASSING)
    const creates = !there.has(name)
    begins('schema', { name, creates })
    if (creates) {
      if (name in PASSING_VECTORS) {
        const { on, options } = PASSING_VECTORS[name as keyof typeof PASSING_VECTORS]
        await db.createVectorIndex('plain', name, on, options)
      } else {
        const { on, options } = PASSING_INDEXES[name as keyof typeof PASSING_INDEXES]
        await db.createIndex('plain', name, on, options)
      }
      there.add(name)
    } else {
      await db.deleteIndex('plain', name)
      there.delete(name)
    }
    ends('schema')
  }
}

/** A store that gets many documents at once, is cleared, dropped and made again. */
const scratch: Lane = async (db, random, start, go) => {
  let { scratch: there, version } = start
  const step = async (after: number[] | null, work: () => Promise<unknown>): Promise<void> => {
    begins('scratch', after)
    await work()
    there = after
    ends('scratch')
  }
  while (go()) {
    if (there === null) {
      await step([], () => db.createObjectStore(SCRATCH, SCRATCH_DEFINITION))
    } else if (random.chance(0.15)) {
      await step(null, () => db.deleteObjectStore(SCRATCH))
    } else if (there.length > 0 && random.chance(0.4)) {
      await step([], () => db.store(SCRATCH).clear())
    } else {
      const generation = version++
      const documents = generationOf(generation)
      await step([...there, generation], () => db.store(SCRATCH).putMany(documents))
    }
  }
}

/** The documents that are put at once, from a few to more than one slice of a bulk write. */
export function generationOf(generation: number): any[] {
  const length = [3, 40, 400, 3_000][generation % 4]!
  return Array.from({ length }, (_, i) => ({
    id: generation * 100_000 + i,
    generation,
    vector: vectorsOf(i),
    text: `document ${i} of generation ${generation}`,
  }))
}

/** Documents of many pages. */
const large: Lane = async (db, random, start, go) => {
  const store = db.store('large')
  let { version } = start
  while (go()) {
    const id = random.below(6)
    const size = random.pick([10, 5_000, 70_000, random.between(1, 2_000_000)])
    const next = random.chance(0.2) ? null : version++
    begins('large', [id, next])
    if (next === null) await store.delete(id)
    else await store.put({ id, version: next, size, body: largeBody(next, size) })
    ends('large')
  }
}

/** Generated keys, the highest of which are deleted again. */
const numbered: Lane = async (db, random, start, go) => {
  const store = db.store('numbered')
  const keys = [...start.numbered]
  let serial = start.version
  while (go()) {
    const added = random.list(random.between(1, 8), () => serial++)
    begins('numbered', { added })
    const made: number[] = await Promise.all(added.map((each) => store.add({ serial: each })))
    ends('numbered', made)
    keys.push(...made)
    if (!random.chance(0.5)) continue
    const deleted = keys.splice(-random.between(1, Math.min(keys.length, 10)))
    begins('numbered', { deleted })
    await store.deleteMany(deleted)
    ends('numbered')
  }
}

/** Backups, one after the other; the newest is kept. */
const backup: Lane = async (db, _random, start, go) => {
  for (let number = 0; go(); number++) {
    begins('backup', number)
    await db.backup(join(start.backups, String(number)))
    ends('backup')
    await rm(join(start.backups, String(number - 1)), { recursive: true, force: true })
  }
}

/** Compactions, with room between them for what makes the file grow again. */
const compact: Lane = async (db, _random, _start, go) => {
  while (go()) {
    begins('compact', true)
    await db.compact()
    ends('compact')
    await db.flush()
  }
}

/** The lanes of a writer by name. */
export const LANES: Record<string, Lane> = {
  one: plainLane('one'),
  two: plainLane('two'),
  /** One after another, which are acknowledged before their commit if nobody reads. */
  single: plainLane('single', 1),
  /** Of the writer that is not killed. */
  companion: plainLane('companion'),
  bank,
  schema,
  scratch,
  large,
  numbered,
  backup,
  compact,
}
