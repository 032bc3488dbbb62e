/** The whole check of the event loop, at any number of documents. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../../index.js'
import { checkAll } from './check'
import { worksOnIndexedDb } from './indexeddb'
import { areFast, readTimesDuring, type ReadTimes } from './read-file'
import { LEAST, longQueriesOn } from './long-queries'
import { STORES, worksOn } from './works'

const BACKUPS = 8
const ATTEMPTS = 3
/** How long files are read while nothing else happens, for comparison. */
const QUIET_MS = 500

/**
 * Runs all of it in a directory of its own.
 *
 * @param count documents
 * @param say takes each line of the report
 * @returns the names of what took too long
 */
export async function checkEventLoop(
  count: number,
  say: (line: string) => void,
): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'lodestore-event-loop-'))
  try {
    const path = join(directory, 'database')
    const db = await open(path, { durability: 'relaxed', stores: STORES })
    const works = worksOn(db, directory, count)
    if (count >= LEAST) works.push(...longQueriesOn(db))
    const indexedDb = await worksOnIndexedDb(join(directory, 'indexeddb'), count)
    const failed = await checkAll([...works, ...indexedDb.works], say)
    indexedDb.close()
    const backUp = (name: string): Promise<void> => db.backup(join(directory, name))
    if (!(await readsStayFast(directory, backUp, say))) failed.push('fs.readFile')
    await db.close()
    return failed
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Whether files are read fast during eight backups at once. */
async function readsStayFast(
  directory: string,
  backUp: (name: string) => Promise<void>,
  say: (line: string) => void,
): Promise<boolean> {
  const file = join(directory, 'file')
  await writeFile(file, Buffer.alloc(4096))
  const quiet = new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  say(lineOf('nothing else', await readTimesDuring(file, quiet)))
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const backups = Array.from({ length: BACKUPS }, (_, i) => `backup ${attempt} ${i}`)
    const times = await readTimesDuring(file, Promise.all(backups.map(backUp)))
    say(lineOf(`${BACKUPS} backups`, times))
    for (const name of backups) await rm(join(directory, name), { recursive: true })
    if (areFast(times, attempt === ATTEMPTS - 1)) return true
  }
  return false
}

function lineOf(during: string, { calls, p50, p99, max }: ReadTimes): string {
  const [middle, high, most] = [p50, p99, max].map((each) => each.toFixed(2))
  const figures = `p50 ${middle} ms, p99 ${high} ms, max ${most} ms`
  return `fs.readFile during ${during}: ${figures} (${calls} calls)`
}
