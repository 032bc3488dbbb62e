/** A process that keeps the graph of a database in files, under the preload library. */

import { dirname } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import type { OpenOptions } from '../../index.js'
import { heard, say } from '../support/parent'
import { setRules } from '../support/preload'
import { Random } from '../support/random'
import { FIRST, check, filesAre, graphFiles, isBuilt, isKept } from './kept'
import { openKept, put, range, type Model } from './kept'

/** What the process is asked to do. */
export interface Work {
  path: string
  seed: number
  isSealed: boolean
  /** What fails once the database is open; without it the graph is kept, twice. */
  rules?: string
}

async function main(): Promise<void> {
  const { path, seed, isSealed, rules } = await heard<Work>()
  const random = new Random(seed)
  const options: OpenOptions = isSealed ? { encryption: { key: Buffer.alloc(32, 3) } } : {}
  const db = await openKept(path, options)
  const warnings: { code: string; message: string }[] = []
  db.on('warning', ({ code, message }: any) => warnings.push({ code, message }))
  const docs = db.store('docs')
  const model: Model = new Map()
  if (rules !== undefined) setRules(dirname(path), rules)
  await put(random, docs, model, range(0, FIRST))
  if (rules === undefined) {
    await isKept(random, docs, FIRST)
    await put(random, docs, model, range(FIRST, 400))
    await isKept(random, docs, FIRST + 400)
    await filesAre(path, 1)
    say({ kept: true })
  } else {
    const told = await isBuilt(random, docs)
    // An event does not keep the process.
    while (warnings.length === 0) await later(10)
    const files = await graphFiles(path)
    setRules(dirname(path), '')
    await check(random, docs, model)
    say({ warnings, files, method: told.method, inFile: told.inFile })
  }
  await db.close()
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
