/** A process that opens a database, adds to it, and tells where its graph has come from. */

import { Random } from '../support/random'
import { heard, say } from '../support/parent'
import { isBuilt, isKept, openKept, put, range } from './kept'

async function main(): Promise<void> {
  const { path, seed } = await heard<{ path: string; seed: number }>()
  const random = new Random(seed)
  const db = await openKept(path)
  const docs = db.store('docs')
  say(await isBuilt(random, docs))
  const { from, count, kept } = await heard<{ from: number; count: number; kept: number }>()
  await put(random, docs, new Map(), range(from, count))
  say(await isKept(random, docs, kept))
  await db.close()
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
