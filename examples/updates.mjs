/**
 * Updates on real data: operators, arrays, expressions, whole queries at once. The documents are
 * the features of the web platform that `npm start` shows.
 */

import { expr, open } from 'lodestore'
import { featuresOf, readDataSet } from './support/features.mjs'

const db = await open(':memory:', {
  stores: { features: { keyPath: 'id', indexes: { byArea: { on: 'area' } } } },
})
const features = db.store('features')
await features.putMany(featuresOf(readDataSet()))
const id = 'css.properties.grid-area'

// By key: what is not there yet is created on the way.
const first = await features.update(id, { $inc: { 'votes.up': 1 }, $push: { notes: 'useful' } })
console.log('matched', first.matched, 'modified', first.modified)
await features.update(id, {
  $inc: { 'votes.up': 2 },
  $addToSet: { notes: { $each: ['useful', 'old'] } },
})
const { votes, notes } = await features.get(id)
console.log(votes.up, notes.join(', '))

// A document that does not change is not written.
const same = await features.update(id, { $min: { 'votes.up': 9 } })
console.log('matched', same.matched, 'modified', same.modified)

// Upsert: insert what is missing. $setOnInsert counts only then.
const extra = { $set: { name: 'new' }, $setOnInsert: { area: 'own' } }
const { upserted } = await features.update('own.new', extra, { upsert: true })
console.log('inserted', upserted)

// Concurrent updates never lose one.
await Promise.all(Array.from({ length: 100 }, () => features.update(id, { $inc: { views: 1 } })))
console.log('views:', (await features.get(id)).views)

// All that a query finds, or nothing; expressions compute from the document.
const css = features.find({ area: 'css', 'since.chrome': { $exists: true } })
const age = { $set: { age: expr.literal(160).minus(expr.field('since.chrome')) } }
const { matched, modified } = await css.update(age)
console.log(`${modified} of ${matched} changed; the oldest: ${await css.max('age')}`)
const fails = css.update({ $inc: { name: 1 } })
console.log('a name is no number:', await fails.catch((error) => error.code))

// What a query does not find is inserted, made of what its filter says fields are equal to.
const visits = features.find({ id: 'own.page', area: 'own', kind: { $ne: 'file' } })
for (const visitor of ['Ada', 'Grace']) {
  const visit = { $push: { visitors: visitor }, $setOnInsert: { name: 'page' } }
  const done = await visits.update(visit, { upsert: true })
  console.log(visitor, done.upserted === undefined ? 'came back' : `made ${done.upserted}`)
}
console.log((await visits.first()).visitors.join(', '))

// Many documents, so many at a time: each batch is a transaction, and others write in between.
let batches = 0
const onProgress = ({ done, total }) => {
  batches++
  if (done === total) console.log(`${done} documents in ${batches} batches`)
}
await features
  .find({ area: 'api' })
  .update({ $set: { checked: true } }, { batch: 2000, onProgress })
const ending = new AbortController()
const stop = ({ done }) => done >= 4000 && ending.abort()
const ended = features
  .find({ checked: true })
  .update({ $unset: { checked: '' } }, { batch: 2000, onProgress: stop, signal: ending.signal })
const { code, modified: before } = await ended.catch((error) => error)
console.log(`${code}: ${before} are done, ${await features.count({ checked: true })} are left`)

// Sorted and limited: only some.
console.log('deleted:', await css.sort(['-age', 'id']).limit(10).delete())
console.log('left:', await features.count({ area: 'css' }))

await db.close()
