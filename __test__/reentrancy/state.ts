/**
 * The states of the database that calls may see. Every read can tell them apart: by the field `n`
 * of the first documents, by the one key from 5 on, by the number of documents, and by the stores.
 */

import { open } from '../../index.js'

/** 'old' is committed at first, 'new' later; 'own' is what a transaction has written. */
export type Version = 'old' | 'new' | 'own'

const KEYS: Record<Version, number> = { old: 5, new: 10, own: 20 }
const TOTALS: Record<Version, number> = { old: 4, new: 5, own: 6 }

/** Opens a database in the state 'old'. */
export async function openOld(path: string, options: object = {}): Promise<any> {
  const stores = {
    s: {
      keyPath: 'id',
      indexes: { byV: { on: 'v' } },
      vectors: { near: { on: 'place', dimensions: 1, metric: 'l2' } },
    },
    t: { keyPath: 'id' },
  }
  const db: any = await open(path, { durability: 'none', stores, ...options } as object)
  await put(db.store('s'), 'old')
  return db
}

/** Commits the state 'new'. */
export async function commitNew(db: any): Promise<void> {
  const done = db.createObjectStore('new')
  await Promise.all([put(db.store('s'), 'new'), db.store('s').delete(KEYS.old), done])
}

/** Makes the state 'own' in a transaction. */
export async function writeOwn(tx: any): Promise<void> {
  await put(tx.store('s'), 'own')
  await tx.store('s').deleteMany([KEYS.new, 11])
  await tx.createObjectStore('own')
}

async function put(store: any, n: Version): Promise<void> {
  const key = KEYS[n]
  const documents = [
    { id: 1, v: 'a', n },
    { id: 2, v: 'b', n },
    { id: 3, v: 'c', n },
    { id: key, v: 'zz', n },
  ]
  const more = { old: [], new: [11], own: [21, 22] }[n]
  for (const id of more) documents.push({ id, v: 'zzz', n })
  await store.putMany(documents.map((document) => ({ ...document, place: [document.id] })))
}

/** The version that a document, or the first of several, belongs to. */
export const ofDocument = (value: any): string =>
  String((Array.isArray(value) ? value[0] : value)?.n)

/** The version in which a key is the first one from 5 on. */
export const ofKey = (value: any): string => versionWith(KEYS, value)

/** The version that has so many documents. */
export const ofTotal = (value: any): string =>
  versionWith(TOTALS, Array.isArray(value) ? value.length : value)

/** The version that has these stores. */
export const ofNames = (names: any): string =>
  names.includes('own') ? 'own' : names.includes('new') ? 'new' : 'old'

function versionWith(figures: Record<Version, number>, value: number): string {
  const found = Object.entries(figures).find(([, each]) => each === value)
  return found?.[0] ?? `neither of the states: ${value}`
}
