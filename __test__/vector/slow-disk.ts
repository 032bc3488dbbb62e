/** A process whose graph grows while its file is being put on disk. */

import { dirname } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { heard, say } from '../support/parent'
import { setRules } from '../support/preload'
import { Random } from '../support/random'
import { FIRST, filesAre, isBuilt, openKept, put, range } from './kept'

/** Whatever is synced from now on, but data and journal, takes longer than the test. */
const SLOW = 'slow other-sync 1+ 200000'

async function main(): Promise<void> {
  const { path, seed } = await heard<{ path: string; seed: number }>()
  const random = new Random(seed)
  const db = await openKept(path)
  const docs = db.store('docs')
  setRules(dirname(path), SLOW)
  await put(random, docs, new Map(), range(0, FIRST))
  await isBuilt(random, docs)
  await filesAre(path, 1)
  await put(random, docs, new Map(), range(FIRST, 300))
  say(await isBuilt(random, docs))
  // Until it is killed.
  await later(1e9)
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
