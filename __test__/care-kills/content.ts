/** What the databases hold, and how it is checked. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LodestoreError, open } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'

const STORES = {
  s: { keyPath: 'id', indexes: { byN: { on: 'n' } } },
  log: { autoIncrement: true },
  marks: {},
  bulk: {},
} as const

const COUNT = 2_000
/** Documents that make a database large, and their bytes. */
const BULK = 12
const BULK_SIZE = 1 << 20
const kdf = { memory: 64, iterations: 1, parallelism: 1 }

export const PASSPHRASE = { passphrase: 'one', kdf }
export const NEW_PASSPHRASE = { passphrase: 'two', kdf }

/** Lines that an import has. */
export const IMPORTED = 20_000
export const importOptions = {
  store: 'log',
  batch: 500,
  checkpoint: { store: 'marks', key: 'log' },
} as const

/** A text that no encrypted file may show. */
const MARKER = 'xyzzy'

/** The options that open a database. */
export function optionsOf(sealed: boolean): { encryption?: EncryptionOptions } {
  return sealed ? { encryption: PASSPHRASE } : {}
}

/** Makes a database so large that what rewrites all of it takes many steps. */
export async function fillUp(path: string, sealed: boolean): Promise<void> {
  const db = (await open(path, { ...optionsOf(sealed), durability: 'relaxed' })) as any
  for (let i = 0; i < BULK; i++) await db.store('bulk').put(new Uint8Array(BULK_SIZE).fill(i), i)
  await db.close()
}

/** Fills a database, or a space of it. */
export async function fill(
  path: string,
  state: string,
  sealed: boolean,
  space?: string,
): Promise<void> {
  const options = { ...optionsOf(sealed), ...(space !== undefined && { space }) }
  const db = (await open(path, { ...options, stores: STORES, durability: 'relaxed' })) as any
  const text = MARKER.repeat(12_000)
  const documents = Array.from({ length: COUNT }, (_, id) => ({
    id,
    n: id % 7,
    state,
    text: id % 40 === 0 ? text : MARKER,
  }))
  await db.store('s').putMany(documents)
  await db.close()
}

/** Checks all documents of a database or space; the state that they are in. */
async function checkOne(db: any): Promise<Set<string>> {
  const documents: any[] = await db.store('s').getAll()
  assert.equal(documents.length, COUNT)
  for (const [id, document] of documents.entries()) {
    assert.equal(document.id, id)
    assert.equal(document.text.length, MARKER.length * (id % 40 === 0 ? 12_000 : 1))
  }
  const bulk: { key: number; value: Uint8Array }[] = await db.store('bulk').entries().toArray()
  for (const { key, value } of bulk) {
    assert.ok(value.length === BULK_SIZE && value.every((byte) => byte === key))
  }
  assert.ok(bulk.length === 0 || bulk.length === BULK)
  const found = await db.store('s').index('byN').count(3)
  assert.equal(found, documents.filter(({ n }) => n === 3).length)
  return new Set(documents.map(({ state }) => state))
}

/** The one state that a database and its spaces are in; they are verified, too. */
export async function stateOf(path: string, options: object): Promise<string> {
  const db = (await open(path, { ...options, mode: 'open' })) as any
  const spaces: string[] = await db.spaces()
  const states = new Set<string>([spaces.toSorted().join()])
  for (const space of [undefined, ...spaces]) {
    const inner =
      space === undefined ? db : ((await open(path, { ...options, space, mode: 'open' })) as any)
    for (const state of await checkOne(inner)) states.add(state)
    if (space !== undefined) await inner.close()
  }
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
  const left = readdirSync(path).filter((name) => /^(restore|compact)-/.test(name))
  assert.deepEqual(left, [], 'leftovers in the database')
  return [...states].join(' ')
}

/** Whether these options open a database. */
export async function opens(path: string, options: object): Promise<boolean> {
  try {
    await (await open(path, { ...options, mode: 'open' })).close()
    return true
  } catch (error) {
    const refusals = ['WRONG_KEY', 'ENCRYPTED', 'NOT_ENCRYPTED']
    assert.ok(error instanceof LodestoreError && refusals.includes(error.code), String(error))
    return false
  }
}

/** The files at and under a directory that show what an encrypted database hides. */
export function showing(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(MARKER))
}
