/** What interrupted calls may leave behind, and what they may not. */

import assert from 'node:assert/strict'
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import { until } from '../support/check'
import { COUNT } from './calls.js'

/** All of what was written at once is there, or nothing of it. */
export async function assertWhole(db: any): Promise<void> {
  const batches = new Map<string, number>()
  for await (const { id, size } of db.store('batches').range()) {
    batches.set(id[0], (batches.get(id[0]) ?? size) - 1)
  }
  for (const [name, missing] of batches) assert.equal(missing, 0, `${missing} of ${name} missing`)
  const pairs = new Map<string, unknown[]>()
  for await (const { key, value } of db.store('pairs').entries()) {
    if (key[1] === 'c') continue
    pairs.set(key[0], [...(pairs.get(key[0]) ?? []), value])
  }
  for (const [name, [a, b]] of pairs) {
    assert.notEqual(a, 'wrong', `what ${name} undid is there`)
    assert.equal(a, b, `half a transaction of ${name}`)
  }
}

/** The open files of this process that lie in a directory; none where that cannot be told. */
export function filesOpenIn(path: string): string[] {
  if (process.platform !== 'linux') return []
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target.startsWith(`${path}/`))
}

/** Backups are complete or not there. */
export async function assertCopies(path: string): Promise<void> {
  const names = (): string[] => readdirSync(join(path, 'copies'))
  const isDone = (): boolean => names().every((name) => !name.endsWith('.unfinished'))
  await until('the end of backups', isDone)
  for (const name of names()) {
    // The lock of a copy that was not finished; the next backup there removes it.
    if (name.endsWith('.unfinished.lock')) continue
    const copy = (await open(join(path, 'copies', name), { mode: 'open' })) as any
    assert.equal(await copy.store('read').count(), COUNT)
    await copy.close()
    rmSync(join(path, 'copies', name), { recursive: true })
  }
}
