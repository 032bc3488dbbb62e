/** Calls on a transaction or a snapshot, and on what it gave, in each part of its life. */

import {
  onStage,
  wordInside,
  wordsAfter,
  wordsInside,
  type Situation,
  type Stage,
} from './contexts'
import { commitNew, writeOwn } from './state'

const READING = ['Store', 'Index', 'Cursor', 'Scan', 'ScanIterator', 'Query', 'Pipeline']

/** Where all calls are refused or change nothing. */
const INERT = new Set([
  'tx ended',
  'read-only tx ended',
  'snapshot',
  'snapshot closed',
  'snapshot expired',
])

function scope(
  name: string,
  of: 'Transaction' | 'Snapshot',
  run: (stage: Stage) => Promise<string[]>,
): Situation {
  return {
    name,
    inert: INERT.has(name),
    classes: [of, ...READING],
    run: (probes, directory) => onStage(probes, directory, run),
  }
}

/** A transaction begun by hand; one that writes has written the state 'own'. */
async function begun(stage: Stage, mode: 'readwrite' | 'readonly'): Promise<any> {
  await commitNew(stage.db)
  const tx = await stage.db.begin({ mode })
  if (mode === 'readwrite') await writeOwn(tx)
  await stage.use('Transaction', () => tx)
  return tx
}

export const SCOPES: readonly Situation[] = [
  scope('tx', 'Transaction', async (stage) => {
    const tx = await begun(stage, 'readwrite')
    stage.act()
    const words = await wordsInside(stage, () => tx.store('t').get(1))
    if (tx.active) await tx.rollback()
    return wordsAfter(stage, words)
  }),

  scope('savepoint', 'Transaction', async (stage) => {
    const { db } = stage
    await commitNew(db)
    let words: string[] = []
    await db.transaction(async (tx: any) => {
      await writeOwn(tx)
      await stage.use('Transaction', () => tx)
      let open = (): void => {}
      const isOpen = new Promise<void>((resolve) => (open = resolve))
      let end = (): void => {}
      const mayEnd = new Promise<void>((resolve) => (end = resolve))
      let inner: any
      const savepoint = tx.savepoint(async (level: any) => {
        inner = level
        await level.store('t').put({ id: 60 })
        open()
        await mayEnd
      })
      await isOpen
      stage.act()
      const turn = (): Promise<unknown> =>
        inner
          .store('t')
          .get(1)
          .catch(() => {})
      const early = await wordsInside(stage, turn)
      end()
      // It ends with the transaction, if that is rolled back or committed.
      await savepoint.catch((error: any) => {
        if (error.code !== 'TX_INACTIVE') throw error
      })
      words = await wordsAfter(stage, early, wordInside)
      if (tx.active) await tx.rollback()
    })
    return words
  }),

  scope('read-only tx', 'Transaction', async (stage) => {
    const tx = await begun(stage, 'readonly')
    stage.act()
    const words = await stage.words()
    if (tx.active) await tx.commit()
    return words
  }),

  scope('tx ended', 'Transaction', async (stage) => {
    const tx = await begun(stage, 'readwrite')
    await tx.rollback()
    stage.act()
    return stage.words()
  }),

  scope('read-only tx ended', 'Transaction', async (stage) => {
    const tx = await begun(stage, 'readonly')
    await tx.commit()
    stage.act()
    return stage.words()
  }),

  scope('tx, closing', 'Transaction', async (stage) => {
    await begun(stage, 'readwrite')
    const closing = stage.db.close()
    stage.act()
    await closing
    return stage.words()
  }),

  scope('tx, closed', 'Transaction', async (stage) => {
    await begun(stage, 'readwrite')
    await stage.db.close()
    stage.act()
    return stage.words()
  }),

  scope('snapshot', 'Snapshot', async (stage) => {
    await stage.use('Snapshot', () => stage.db.snapshot())
    await commitNew(stage.db)
    stage.act()
    return stage.words()
  }),

  scope('snapshot closed', 'Snapshot', async (stage) => {
    const snapshots: any[] = []
    await stage.use('Snapshot', async () => {
      snapshots.push(await stage.db.snapshot())
      return snapshots.at(-1)
    })
    for (const snapshot of snapshots) snapshot.close()
    stage.act()
    return stage.words()
  }),

  scope('snapshot expired', 'Snapshot', async (stage) => {
    await stage.use('Snapshot', () => stage.db.snapshot())
    // Snapshots give way to it.
    await stage.db.compact()
    stage.act()
    return stage.words()
  }),
]
