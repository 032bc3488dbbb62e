/**
 * Pipelines on real data: groups, arrays, joins, windows, and writing what comes out. The documents
 * are the features of the web platform that `npm start` shows.
 */

import { open } from 'lodestore'
import { featuresOf, readDataSet } from './support/features.mjs'

const db = await open(':memory:', {
  stores: {
    features: { keyPath: 'id', indexes: { byArea: { on: 'area' } } },
    areas: { keyPath: '_id' },
    titles: { keyPath: 'area' },
  },
})
const features = db.store('features')
await features.putMany(featuresOf(readDataSet()))

// One document for each area, the largest first.
const areas = await features
  .query()
  .groupBy('area', { features: { $count: {} }, newest: { $max: '$since.chrome' } })
  .sort('-features')
  .limit(3)
for (const { area, features: n, newest } of areas) console.log(`${area}: ${n}, up to ${newest}`)

// What is at the front of a pipeline uses indexes, and the rest takes what it finds.
const statuses = await features.aggregate([
  { $match: { area: 'css' } },
  { $sortByCount: '$status' },
])
console.log('CSS:', statuses.map(({ _id, count }) => `${count} ${_id}`).join(', '))

// Arrays are taken apart, and put together again.
const browsers = await features.aggregate([
  { $match: { area: 'webassembly' } },
  { $unwind: '$browsers' },
  { $group: { _id: '$browsers', n: { $sum: 1 } } },
  { $sort: { n: -1, _id: 1 } },
  { $limit: 2 },
])
console.log('WebAssembly runs in', browsers.map(({ _id, n }) => `${_id} (${n})`).join(', '))

// A pipeline may write what comes out of it, all or nothing.
await features.aggregate([
  { $group: { _id: '$area', features: { $count: {} } } },
  { $merge: { into: 'areas' } },
])
console.log('areas:', await db.store('areas').count())

// Joins look up documents of another store.
await db.store('titles').putMany([
  { area: 'css', title: 'Style sheets' },
  { area: 'svg', title: 'Graphics' },
])
const titled = await db
  .store('areas')
  .find({ _id: { $in: ['css', 'svg'] } })
  .join('titles', { local: '_id', foreign: 'area', as: 'titles' })
  .sort('_id')
for (const { titles, features: n } of titled) console.log(`${titles[0].title}: ${n} features`)

// Windows compare a document with its neighbours.
const ranks = await db
  .store('areas')
  .aggregate([
    { $setWindowFields: { sortBy: { features: -1 }, output: { rank: { $rank: {} } } } },
    { $match: { rank: { $lte: 2 } } },
  ])
console.log(ranks.map(({ _id, rank }) => `${rank}. ${_id}`).join(', '))

await db.close()
