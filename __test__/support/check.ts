/** Checks of a whole database: by the library itself, and against a model of its indexes. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { IndexModel } from '../model/store'
import { isSame } from './same'

/** How long something may take that has to happen at all, on a machine that does much else. */
export const PATIENCE = 120_000

/** Waits for something that nothing announces. */
export async function until(what: string, holds: () => unknown): Promise<void> {
  const deadline = Date.now() + PATIENCE
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what}: not after ${PATIENCE} ms`)
    await setTimeout(5)
  }
}

/** Fails if a promise does not settle in time: what it does hangs. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = setTimeout(PATIENCE, undefined, { signal: timer.signal }).then(
    () => assert.fail(`${what} hangs`),
    () => promise,
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}

/**
 * Runs what is cancelled while it is under way, until that comes before its end, which it need not
 * do on a busy machine.
 *
 * @param undo undoes what it did when it came too late
 * @returns what it failed with
 */
export async function untilCancelled(
  run: () => Promise<unknown>,
  undo: () => unknown = () => {},
): Promise<unknown> {
  for (;;) {
    const ended = await run().then(
      () => null,
      (error: unknown) => ({ error }),
    )
    if (ended !== null) return ended.error
    await undo()
  }
}

/** Compares counts and indexes of all stores with their documents. Nobody writes meanwhile. */
export async function assertConsistent(db: any): Promise<void> {
  for (const name of db.storeNames) {
    const store = db.store(name)
    const rows: any[] = await store.entries().toArray()
    assert.equal(await store.count(), rows.length, `${name}: the count is wrong`)
    for (const indexName of store.indexNames) {
      const index = store.index(indexName)
      await until(`the build of ${name}.${indexName}`, () => index.state === 'ready')
      const { on, unique, multiEntry, sparse } = index
      const model = new IndexModel(on, { unique, multiEntry, sparse })
      for (const { key, value } of rows) model.add(key, value)
      const expected = model.rows({ form: 'everything' })
      assert.ok(isSame(await index.entries().toArray(), expected), `${name}.${indexName} differs`)
      assert.equal(await index.count(), expected.length, `${name}.${indexName}: the count is wrong`)
    }
  }
}

/**
 * Has the library check every document, index entry and counter of a closed database, which it does
 * when the machine went down over unsynced writes: the lock file then names an earlier start.
 */
export async function checkDatabase(path: string): Promise<void> {
  writeFileSync(join(path, 'lodestore.lock'), 'an earlier start of the machine')
  const db = (await open(path, { mode: 'open' })) as any
  const [warning] = await soon('the warning of the check', once(db, 'warning'))
  assert.match(warning.message, /were checked and are whole/)
  await assertConsistent(db)
  await db.close()
}
