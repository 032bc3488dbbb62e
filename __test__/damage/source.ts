/** The database that the damage drill damages, and what is in it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'

/** A document of the drill, which its store, id and version determine. */
export interface Doc {
  id: number | string
  version: number
  name: string
  group: number
  text: string
}

const STORES = {
  people: {
    keyPath: 'id',
    indexes: { byName: { on: 'name', unique: true }, byGroup: { on: ['group', '-version'] } },
  },
  files: { keyPath: 'id', compression: 'none', indexes: { byGroup: { on: 'group' } } },
  last: {},
} as const

export const NAMES = ['people', 'files'] as const

/** A key that is longer than LMDB's keys. */
const longKey = (n: number): string => `${'k'.repeat(2_100)}${n}`

function personOf(id: number, version: number): Doc {
  const text = 'some text '.repeat(1 + (id % 9))
  return { id, version, name: `name ${id}`, group: id % 17, text }
}

/** Large ones, which have pages of their own, and ones under long keys. */
function fileOf(n: number, version: number): Doc {
  const id = n % 4 === 0 ? longKey(n) : `file ${n}`
  const text = `content ${n} ${version} `.repeat(n % 3 === 0 ? 900 : 3)
  return { id, version, name: `file ${n}`, group: n % 5, text }
}

/** The documents that are there at the end, by store and key. */
export type Contents = Record<(typeof NAMES)[number], Map<number | string, Doc>>

/** What the document of a store, an id and a version is; undefined if there never was one. */
export function versionOf(store: string, doc: Doc): Doc | undefined {
  if (store === 'people') return personOf(Number(doc.id), doc.version)
  const n = Number(/\d+$/.exec(String(doc.id))?.[0])
  return Number.isNaN(n) ? undefined : fileOf(n, doc.version)
}

/** Creates the database at a path, with pages that are free again, and closes it. */
export async function create(
  path: string,
  count: number,
  encryption?: EncryptionOptions,
): Promise<Contents> {
  const db = (await open(path, { stores: STORES, durability: 'relaxed', encryption })) as any
  const contents: Contents = { people: new Map(), files: new Map() }
  const write = async (store: (typeof NAMES)[number], docs: Doc[]): Promise<void> => {
    await db.store(store).putMany(docs)
    for (const doc of docs) contents[store].set(doc.id, doc)
  }
  const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
  await write(
    'people',
    numbers(count).map((id) => personOf(id, 1)),
  )
  const files = Math.ceil(count / 50)
  await write(
    'files',
    numbers(files).map((n) => fileOf(n, 1)),
  )
  await write(
    'people',
    numbers(count)
      .filter((id) => id % 13 === 0)
      .map((id) => personOf(id, 2)),
  )
  await write(
    'files',
    numbers(files)
      .filter((n) => n % 7 === 0)
      .map((n) => fileOf(n, 2)),
  )
  for (const id of numbers(count).filter((each) => each % 29 === 5)) {
    void db.store('people').delete(id)
    contents.people.delete(id)
  }
  await db.flush()
  // What the newest meta page alone leads to is not what is looked for.
  await db.store('last').put('the end', 1)
  await db.close()
  return contents
}

/** The bytes of the data file. */
export const bytesOf = (path: string): Buffer => readFileSync(join(path, 'data.mdb'))
