/** Databases of processes that were killed with acknowledged writes in the journal alone. */

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../support/child'

const WRITER = join(__dirname, 'writer.ts')
/** How often a process is killed at most until it leaves something that was not committed. */
const TRIES = 40

/** What such a database that is encrypted is opened with: the key of all fixtures. */
export const ENCRYPTION = { key: Uint8Array.from({ length: 32 }, (_, i) => i * 7) }

export interface Killed {
  durability: 'strict' | 'relaxed'
  isSealed: boolean
  /** How many documents it has. */
  count: number
}

/** Whether a journal ends with changes of a transaction whose pages do not follow. */
export function hasChanges(path: string): boolean {
  const journal = readFileSync(join(path, 'data.journal'))
  return journal.lastIndexOf('LodeJrnC') > journal.lastIndexOf('LodeJrnP')
}

/** Makes one at `path`. */
export async function leaveChanges(path: string, how: Killed): Promise<void> {
  const { durability, isSealed, count } = how
  for (let i = 0; i < TRIES; i++) {
    const child = new Child(WRITER, [], { quick: true })
    child.say({ path, durability, count, ...(isSealed && { key: [...ENCRYPTION.key] }) })
    const { signal, stderr } = await child.ended
    assert.equal(signal, 'SIGKILL', stderr)
    if (hasChanges(path)) return
    rmSync(path, { recursive: true })
  }
  throw new Error(`none of ${TRIES} killed processes has left what was not committed`)
}
