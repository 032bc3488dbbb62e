/** IndexedDB, during whose work on many records the event loop has to go on turning, too. */

import { configure } from 'lodestore/indexeddb'
import { completed, openDatabase, resultOf } from '../indexeddb/requests'
import { documentAt, MOST_IN_MEMORY, type Work } from './works'

/** Records of a transaction that loads. */
const BATCH = 500

/** Work on IndexedDB, and how its database is closed. */
export interface IndexedDbWorks {
  works: Work[]
  close(): void
}

/** What is measured, in this order; each finds the records that the first one has loaded. */
export async function worksOnIndexedDb(path: string, count: number): Promise<IndexedDbWorks> {
  configure({ path, durability: 'relaxed' })
  const db = await openDatabase('documents', 1, (made) => {
    made.createObjectStore('documents', { keyPath: 'id' }).createIndex('byCity', 'city')
  })
  const few = Math.min(count, MOST_IN_MEMORY)
  const open = (mode = 'readonly') => db.transaction('documents', mode).objectStore('documents')

  const load = async (): Promise<void> => {
    for (let from = 0; from < few; from += BATCH) {
      const store = open('readwrite')
      for (let i = from; i < Math.min(from + BATCH, few); i++) store.put(documentAt(i))
      await completed(store.transaction)
    }
  }
  const whole = async (request: { result: unknown[] }): Promise<void> => {
    const { length } = await resultOf(request)
    if (length !== few) throw new Error(`${length} of ${few} records were read`)
  }
  const walk = async (source: any): Promise<void> => {
    const seen = await countOf(source.openCursor())
    if (seen !== few) throw new Error(`a cursor came to ${seen} of ${few} records`)
  }
  const works: Work[] = [
    { name: 'load', run: load },
    { name: 'cursor', run: () => walk(open()) },
    { name: 'cursor, writing', run: () => walk(open('readwrite')) },
    { name: 'cursor of an index', run: () => walk(open().index('byCity')) },
    { name: 'getAll', run: () => whole(open().getAll()) },
    { name: 'getAll, writing', run: () => whole(open('readwrite').getAll()) },
    { name: 'getAll of an index', run: () => whole(open().index('byCity').getAll()) },
    { name: 'getAllKeys', run: () => whole(open().getAllKeys()) },
    { name: 'getAllRecords', run: () => whole(open().getAllRecords()) },
  ]
  return {
    works: works.map((work) => ({ ...work, name: `IndexedDB: ${work.name}` })),
    close: () => db.close(),
  }
}

function countOf(request: any): Promise<number> {
  return new Promise((resolve, reject) => {
    let seen = 0
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      if (request.result === null) return resolve(seen)
      seen++
      request.result.continue()
    })
  })
}
