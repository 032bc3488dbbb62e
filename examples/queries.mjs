/**
 * Queries on real data: filters, sorts, the fluent builder, prepared queries, explain. The
 * documents are the features of the web platform that `npm start` shows.
 */

import { expr, open, where } from 'lodestore'
import { featuresOf, readDataSet } from './support/features.mjs'

const db = await open(':memory:', {
  stores: {
    features: {
      keyPath: 'id',
      indexes: {
        byAreaAndStatus: { on: ['area', 'status'] },
        byChrome: { on: 'since.chrome', sparse: true },
        byTag: { on: 'tags', multiEntry: true },
      },
    },
  },
})
const features = db.store('features')
await features.putMany(featuresOf(readDataSet()))

// A filter says what a document has to be; dots lead into objects.
const oldCss = features.find({ area: 'css', 'since.chrome': { $between: [1, 4] } })
console.log('old parts of CSS:', await oldCss.count())

// A query is awaited for all its rows, or iterated; it says more with each call.
const newest = await oldCss.sort(['-since.chrome', 'id']).limit(2).select(['id', 'since.chrome'])
console.log(newest.map(({ id, since }) => `${id} in Chrome ${since.chrome}`).join(', '))
for await (const { name } of oldCss.sort('id').limit(2)) console.log('one by one:', name)

// Arrays match by their elements, text by patterns or parts of it.
const grid = { tags: 'web-features:grid', id: { $like: 'css.properties.grid-%' } }
const properties = await features.find(grid).keys().limit(2).sort('id')
console.log('properties of the grid:', properties.join(', '))
console.log('in no browser:', await features.count({ browsers: { $size: 0 } }))

// The builder reads like SQL, and means such a filter.
const query = features
  .query()
  .where('area', 'IN', ['javascript', 'webassembly'])
  .where('id', 'LIKE', '%.String.%')
  .condition(where('name', '=', 'trim').or('everywhere', '>', new Date('2023-09-01')))
  .orderByAsc('id')
console.log('built:', (await query.keys()).join(', '))

// Expressions compare fields with each other.
const behind = { $expr: expr.field('since.safari').gt(expr.field('since.chrome').times(10)) }
console.log('Safari by numbers:', await features.find({ area: 'html', ...behind }).count())

// A prepared query is given its values when it runs.
const since = features.prepare({ 'since.chrome': expr.param('version'), area: expr.param('area') })
for (const version of [100, 120]) {
  console.log(`CSS in Chrome ${version}:`, await since.run({ version, area: 'css' }).count())
}

// What only JavaScript can tell is asked behind the filter.
const names = features.find({ area: 'api' }).select('name')
const long = await names.filter(({ name }) => name.length > 45).first()
console.log('a long name:', long.name)

// explain tells which index serves, and what had to be looked at.
const plan = await features.find({ area: 'css', status: 'deprecated' }).explain()
console.log(`${plan.index}: ${plan.returned} of ${plan.examinedKeys} entries`)

await db.close()
