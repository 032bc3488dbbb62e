/** What a power failure leaves of a database: what was synced, and nothing else. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Disk, type Style } from '../power-loss/disk'
import { readLog } from '../support/preload'
import type { Random } from '../support/random'

const NOTHING_UNSYNCED: Style = { granularity: 4_096, kept: 0, inOrder: true }

/**
 * Puts a database directory into the state after a power failure.
 *
 * @param log of all that was written to it since it was made
 */
export function losePower(log: string, directory: string, random: Random): void {
  const disk = new Disk(directory)
  for (const record of readLog(log)) disk.replay(record)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  // A directory comes before what is in it.
  for (const [name, content] of disk.afterFailure(random, NOTHING_UNSYNCED)) {
    if (content === undefined) mkdirSync(join(directory, name))
    else writeFileSync(join(directory, name), content)
  }
}
