/** Promises of what IndexedDB tells by events. */

import { indexedDB } from 'lodestore/indexeddb'

/** The result of a request; rejects with its error. */
export function resultOf<T = any>(request: any): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error))
  })
}

/** Resolves when a transaction has committed; rejects with its error. */
export function completed(transaction: any): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')))
  })
}

/** Opens a database; `upgrade` is called with it, its versions and the transaction. */
export function openDatabase(
  name: string,
  version?: number,
  upgrade: (db: any, versions: [number, number], transaction: any) => void = () => {},
): Promise<any> {
  const request: any = indexedDB.open(name, version)
  request.addEventListener('upgradeneeded', ({ oldVersion, newVersion }: any) =>
    upgrade(request.result, [oldVersion, newVersion], request.transaction),
  )
  return resultOf(request)
}

/** The keys and values that a cursor walks over. */
export async function walk(source: any, ...args: unknown[]): Promise<[unknown, unknown][]> {
  const seen: [unknown, unknown][] = []
  const request = source.openCursor(...args)
  await new Promise<void>((resolve, reject) => {
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      const cursor = request.result
      if (cursor === null) return resolve()
      seen.push([cursor.key, cursor.value])
      cursor.continue()
    })
  })
  return seen
}
