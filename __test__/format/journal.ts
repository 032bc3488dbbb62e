/** A database that was not closed: what it had on disk long ago, and a journal of all since. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as lodestore from '../../index.js'

type Document = { id: number; n: number; text: string }

export const STORES = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } } as const

const document = (id: number, round: number): Document => ({
  id,
  n: (id * 7 + round) % 10,
  text: `round ${round}`.repeat(1 + ((id + round) % 30)),
})

/** A value in pages of its own. */
const LARGE: Document = { id: 1_000, n: 3, text: 'large '.repeat(3_000) }

/** What the database holds in the end. */
export function contents(): Document[] {
  const kept = Array.from({ length: 24 }, (_, id) => id).filter((id) => id % 5 !== 4)
  return [...kept.map((id) => document(id, id % 2)), LARGE]
}

/** Makes such a database at `path`, by way of one at `work`. */
export async function writeJournal(
  open: typeof lodestore.open,
  path: string,
  work: string,
): Promise<void> {
  const db: any = await open(work, { stores: STORES })
  const s = db.store('s')
  // The journal begins with the second commit.
  for (let id = 0; id < 3; id++) await s.put(document(id, 0))
  mkdirSync(path, { recursive: true })
  copyFileSync(join(work, 'data.mdb'), join(path, 'data.mdb'))
  for (let round = 0; round < 2; round++) {
    for (let id = round; id < 24; id++) await s.put(document(id, Math.min(round, id % 2)))
  }
  for (let id = 4; id < 24; id += 5) await s.delete(id)
  await s.put(LARGE)
  copyFileSync(join(work, 'data.journal'), join(path, 'data.journal'))
  trimJournal(join(path, 'data.journal'))
  await db.close()
}

/** Leaves out the rest of the file, which is zeros and need not be there. */
export function trimJournal(path: string): void {
  const bytes = readFileSync(path)
  let end = bytes.length
  while (bytes[end - 1] === 0) end--
  // The last record may end with zeros of its own.
  writeFileSync(path, bytes.subarray(0, Math.ceil(end / 512) * 512))
}
