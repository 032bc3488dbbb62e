/** A process that checks databases after a kill against themselves, and tells what is in them. */

import { existsSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { open } from '../../index.js'
import { IndexModel } from '../model/store'
import { heard, say } from '../support/parent'
import { isSame } from '../support/same'
import { sealedKey } from '../support/sealed'
import { distancesOf, faultOf } from '../vector/brute-force'
import { ACCOUNTS, FIRST_BALANCE, PASSING, SCRATCH, STORES, largeBody } from './stores'

/** What is in the database, as far as the driver must know it. */
export interface Contents {
  plain: [id: string, version: number][]
  passing: string[]
  transfers: number
  scratch: [generation: number, documents: number][] | null
  large: [id: number, version: number][]
  numbered: [key: number, serial: number][]
  /** A key that the generator made last. */
  made: number
  /** The names of the backups that are there, of those in question. */
  backups: string[]
}

/** What the verifier is told. */
export interface Question {
  path: string
  /** Backups that are either not there, or complete. */
  backups: string[]
}

class Wrong extends Error {}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Wrong(message)
}

/** The engine's own check, for which a library with fault points is needed. */
function checkByEngine(path: string): void {
  const library = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (library === undefined) return
  const problems: string[] = require(library).checkDatabase(path, sealedKey)
  check(problems.length === 0, `the engine's check of ${path}: ${problems.slice(0, 5).join('; ')}`)
}

/** Every page has one owner, and all the rest that `verify` looks at. */
async function checkWhole(db: any): Promise<void> {
  const { findings } = await db.verify()
  check(findings.length === 0, `verify: ${JSON.stringify(findings.slice(0, 5))}`)
}

/** What a search finds, when the build has ended that a kill interrupted. */
async function searchOf(db: any, search: () => Promise<any[]>): Promise<any[]> {
  for (;;) {
    try {
      return await search()
    } catch (error) {
      if ((error as { code?: string }).code !== 'INDEX_NOT_READY') throw error
      await db.flush()
    }
  }
}

/** Compares a store with its count and with what each of its indexes has to hold. */
async function consistent(db: any, name: string): Promise<any[]> {
  const store = db.store(name)
  const rows: any[] = await store.entries().toArray()
  check((await store.count()) === rows.length, `${name}: the count is wrong`)
  for (const indexName of store.indexNames) {
    // A build that the kill interrupted goes on.
    while (store.index(indexName).state !== 'ready') await db.flush()
    const index = store.index(indexName)
    const { unique, multiEntry, sparse } = index
    const model = new IndexModel(index.on, { unique, multiEntry, sparse })
    for (const { key, value } of rows) model.add(key, value)
    const expected = model.rows({ form: 'everything' })
    const actual = await index.entries().toArray()
    check(isSame(actual, expected), `${name}.${indexName}: reads differ from the documents`)
    check((await index.count()) === expected.length, `${name}.${indexName}: the count is wrong`)
  }
  for (const indexName of store.vectorIndexNames) {
    const documents = rows.map(({ key, value: { vector } }) => ({ id: key, vector }))
    const query = [3, 4, -1]
    const found = await searchOf(db, () => store.nearest(indexName, query, { k: 100_000 }))
    const fault = faultOf(found, distancesOf(documents, 'l2', query), 100_000)
    check(fault === undefined, `${name}.${indexName}: ${fault}`)
  }
  return rows
}

function checkBank(accounts: any[], transfers: any[]): number {
  if (accounts.length === 0 && transfers.length === 0) return 0
  check(accounts.length === ACCOUNTS, `there are ${accounts.length} accounts`)
  const balances = new Array<number>(ACCOUNTS).fill(FIRST_BALANCE)
  for (const [i, { key, value }] of transfers.entries()) {
    check(key === i, `transfer ${i} is missing, or half there: ${key}`)
    balances[value.from]! -= value.amount
    balances[value.to]! += value.amount
  }
  const actual = accounts.map(({ value }) => value.balance)
  check(isSame(actual, balances), `balances ${actual} do not follow from transfers: ${balances}`)
  return transfers.length
}

/** Whether a backup is there; it is complete, then. */
async function isThere(path: string): Promise<boolean> {
  if (!existsSync(path)) return false
  checkByEngine(path)
  const db: any = await open(path, { mode: 'open' })
  try {
    checkBank(await consistent(db, 'accounts'), await consistent(db, 'transfers'))
    await checkWhole(db)
  } finally {
    await db.close()
  }
  return true
}

async function contentsOf(db: any): Promise<Omit<Contents, 'backups'>> {
  const rows = new Map<string, any[]>()
  for (const name of db.storeNames) rows.set(name, await consistent(db, name))
  const of = (name: string): any[] => rows.get(name)!
  for (const { value } of of('large')) {
    const { version, size, body } = value
    check(
      Buffer.compare(body, largeBody(version, size)) === 0,
      `large document ${value.id} is damaged`,
    )
  }
  const generations = new Map<number, number>()
  for (const { value } of rows.get(SCRATCH) ?? []) {
    generations.set(value.generation, (generations.get(value.generation) ?? 0) + 1)
  }
  const numbered: [number, number][] = of('numbered').map(({ key, value }) => [key, value.serial])
  const made = await db.store('numbered').add({ serial: -1 })
  check(
    numbered.every(([key]) => key < made),
    `the generator made ${made}, below a key that is there`,
  )
  await db.store('numbered').delete(made)
  const { indexNames, vectorIndexNames } = db.store('plain')
  const names: string[] = [...indexNames, ...vectorIndexNames]
  return {
    plain: of('plain').map(({ key, value }) => [key, value.version]),
    passing: names.filter((name) => PASSING.includes(name)),
    transfers: checkBank(of('accounts'), of('transfers')),
    scratch: rows.has(SCRATCH) ? [...generations] : null,
    large: of('large').map(({ key, value }) => [key, value.version]),
    numbered,
    made,
  }
}

async function answer({ path, backups }: Question): Promise<Contents> {
  const db = await open(path, { stores: STORES })
  try {
    const contents = await contentsOf(db)
    // After builds have ended, and with the sweeper at work or done.
    checkByEngine(path)
    await checkWhole(db)
    const leftovers = readdirSync(path).filter((name) => name.startsWith('compact-'))
    check(leftovers.length === 0, `leftovers of a compaction: ${leftovers}`)
    const there: string[] = []
    for (const backup of backups) if (await isThere(backup)) there.push(basename(backup))
    return { ...contents, backups: there }
  } finally {
    await db.close()
  }
}

async function main(): Promise<void> {
  for (;;) {
    const question = await heard()
    if (question === 'stop') return
    try {
      say({ contents: await answer(question) })
    } catch (error) {
      say({ failure: (error as Error)?.stack ?? String(error) })
    }
  }
}

void main()
