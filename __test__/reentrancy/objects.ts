/** What the calls of a situation are made on. */

import type { Committed, Objects } from './rows'

/**
 * Makes an object of a class from a database, snapshot or transaction; no others, which would hold
 * snapshots that a compaction waits for.
 */
export async function objectsOf(of: string, scope: any, target: string): Promise<Objects> {
  const Store = scope.store('s')
  const Scan = Store.range()
  const Query = Store.find({ v: { $gte: 'a' } }).sort('id')
  const Pipeline = Store.aggregate([{ $sort: { id: 1 } }])
  const objects: Objects = { Store, Scan, Query, Pipeline, Index: Store.index('byV'), target }
  if (of === 'ScanIterator') {
    objects.ScanIterator = Scan[Symbol.asyncIterator]()
    await objects.ScanIterator.next()
  } else if (of === 'Cursor') {
    objects.Cursor = Store.openCursor()
    await objects.Cursor.next()
  } else if (of === 'Snapshot' && scope.snapshot !== undefined) {
    objects.Snapshot = await scope.snapshot()
  }
  return objects
}

/** Reads what is committed, from inside a transaction, too. */
export function committedIn(db: any): Committed {
  return {
    get: (id) => db.outside(() => db.store('s').getSync(id)),
    names: () => db.outside(() => db.storeNames),
    indexes: () =>
      db.outside(() => [...db.store('s').indexNames, ...db.store('s').vectorIndexNames]),
  }
}
