/** Queries and pipelines in mid-iteration: each holds a snapshot and an execution. */

/** How many there are. */
export const KINDS = 5

/** Reads some rows of each, more than are read at once; returns the iterators. */
export async function beginReading(db) {
  const store = db.store('s')
  const queries = [
    store.find(),
    store.find({ a: { $gte: 0 } }).hint('byA'),
    store.find({ b: { $ne: 3 } }).sort('-b'),
    store.find({ b: { $gte: 0 } }).filter(() => true),
    store.aggregate([{ $match: { b: { $gte: 0 } } }, { $sort: { b: -1 } }]),
  ]
  const iterators = queries.map((query) => query[Symbol.asyncIterator]())
  for (const iterator of iterators) for (let i = 0; i < 300; i++) await iterator.next()
  return iterators
}
