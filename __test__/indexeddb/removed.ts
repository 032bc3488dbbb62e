import { phases } from './phases'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { configure } from 'lodestore/indexeddb'
import { completed, openDatabase } from './requests'

/** Closes databases and deletes their files in the same task. */
async function remove(): Promise<void> {
  const path = join(process.env.LODESTORE_PATH!, 'removed')
  for (const durability of ['none', 'relaxed', 'strict'] as const) {
    configure({ path: join(path, durability), durability })
    const db = await openDatabase('db', 1, (made) => made.createObjectStore('s'))
    const tx = db.transaction('s', 'readwrite')
    tx.objectStore('s').put('value', 'key')
    await completed(tx)
    db.close()
    rmSync(join(path, durability), { recursive: true })
  }
}

phases({ remove })
