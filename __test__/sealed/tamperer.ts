/**
 * A program that changes bits of an encrypted database's file, one at a time, and says what is read
 * then. In a process of its own, since LMDB trusts its pages.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import { heard, say } from '../support/parent'
import { isSame } from '../support/same'

/** What the program is told: a sound database, where to damage copies of it, and which bits. */
export interface Order {
  file: string
  /** The database before its last commit. */
  older: string
  scratch: string
  key: number[]
  places: [at: number, bit: number][]
}

async function contentsOf(path: string, key: Uint8Array): Promise<unknown> {
  const db = (await open(path, { mode: 'readOnly', encryption: { key } })) as any
  try {
    const store = db.store('s')
    return [await store.entries().toArray(), await store.index('byName').entries().toArray()]
  } finally {
    await db.close()
  }
}

async function main(): Promise<void> {
  const { file, older, scratch, key, places } = await heard<Order>()
  const bytes = Buffer.from(file, 'base64')
  const path = join(scratch, 'tampered')
  const read = async (content: Buffer): Promise<unknown> => {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
    writeFileSync(join(path, 'data.mdb'), content)
    return contentsOf(path, Uint8Array.from(key))
  }
  const [now, before] = [await read(bytes), await read(Buffer.from(older, 'base64'))]
  for (const [at, bit] of places) {
    say({ begins: [at, bit] })
    bytes[at]! ^= 1 << bit
    const outcome = await read(bytes).then(
      (contents) => (isSame(contents, now) ? 'same' : isSame(contents, before) ? 'older' : 'wrong'),
      (error) => error.code,
    )
    bytes[at]! ^= 1 << bit
    say({ outcome })
  }
  say({ done: true })
}

void main()
