/** Queries of 10 MB, during which the event loop has to go on turning. */

import type { Database } from '../../index.js'
import type { Work } from './works'

/** They are measured by command, with so many documents at least: they take their time. */
export const LEAST = 1_000_000

/** What is measured; it expects the documents of `worksOn`. */
export function longQueriesOn(db: Database<any>): Work[] {
  const store = db.store('documents')
  let filters: object[] = []
  let numbers: number[] = []
  return [
    {
      name: 'a list of 1,000,000',
      prepare: () => {
        numbers = Array.from({ length: 1_000_000 }, (_, i) => -i)
      },
      run: () => store.find({ score: { $in: numbers } }).count(),
    },
    {
      name: 'an "or" of 100,000',
      prepare: () => {
        filters = Array.from({ length: 100_000 }, (_, i) => ({ score: -i }))
      },
      // Each document is tested for all of them.
      run: () => store.find({ id: { $lt: 50 }, $or: filters }).count(),
    },
    {
      name: 'a pipeline of 10 MB',
      run: () =>
        store.aggregate([{ $match: { score: { $in: numbers } } }, { $count: 'n' }]).toArray(),
    },
  ]
}
