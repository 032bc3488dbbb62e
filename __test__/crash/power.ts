/** What a power failure leaves of a data file: what was synced, and nothing else. */

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLog } from '../support/preload'

/** A write, and whether it is on the disk. */
interface Write {
  offset: number
  bytes: Buffer
  synced: boolean
}

/** The content of a file as far as it was synced. */
function syncedContent(log: string, path: string): Buffer | undefined {
  const paths = new Map<string, string>()
  const writes: Write[] = []
  for (const { type, pid, file, flags, offset, payload } of readLog(log)) {
    const id = `${pid}:${file}`
    if (type === 'open') paths.set(id, payload.toString())
    if (paths.get(id) !== path) continue
    if (type === 'write') writes.push({ offset, bytes: payload, synced: flags !== 0 })
    if (type === 'sync') for (const write of writes) write.synced = true
    if (type === 'truncate') throw new Error(`${path} was truncated, which LMDB does not do`)
  }
  if (writes.length === 0) return undefined
  const synced = writes.filter((write) => write.synced)
  const length = Math.max(0, ...synced.map(({ offset, bytes }) => offset + bytes.length))
  const content = Buffer.alloc(length)
  for (const { offset, bytes } of synced) bytes.copy(content, offset)
  return content
}

/**
 * Puts a database directory into the state after a power failure. Its names are there: LMDB makes
 * its files once.
 *
 * @param log of all that was written to it since it was made
 */
export function losePower(log: string, directory: string): void {
  const path = join(directory, 'data.mdb')
  const content = syncedContent(log, path)
  if (content === undefined) return
  writeFileSync(path, content)
  rmSync(join(directory, 'lock.mdb'), { force: true })
}
