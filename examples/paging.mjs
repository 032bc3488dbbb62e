/**
 * Pages of a query: each begins where a token of another one says, and costs the same wherever it
 * is. Documents that come and go in between make no other one repeat or stay out.
 */

import { open } from 'lodestore'
import { featuresOf, readDataSet } from './support/features.mjs'

const db = await open(':memory:', {
  stores: {
    features: { keyPath: 'id', indexes: { byAreaNewest: { on: ['area', '-everywhere'] } } },
  },
})
const features = db.store('features')
await features.putMany(featuresOf(readDataSet()))

const query = features.find({ area: 'css' }).sort('-everywhere').select(['id'])
const show = (title, { items, hasMore }) =>
  console.log(
    `${title}: ${items.map(({ id }) => id.replace('css.', '')).join(', ')}${hasMore ? ' …' : ''}`,
  )

const first = await query.page({ size: 3 })
show('first page', first)

// The token may travel: to a browser and back, say.
const token = JSON.parse(JSON.stringify({ token: first.next })).token
const second = await query.page({ size: 3, after: token })
show('second page', second)
show('and back', await query.page({ size: 3, before: second.prev }))

// A document that comes before the page is no reason to repeat one.
await features.put({ id: 'css.new', area: 'css', everywhere: new Date(2099, 1) })
show('second page again', await query.page({ size: 3, after: token }))

// All pages are the whole query.
let pages = 0
let documents = 0
let after = null
do {
  const page = await query.page({ size: 500, after })
  pages++
  documents += page.items.length
  after = page.next
} while (after !== null)
console.log(
  `${pages} pages, as many documents as the query: ${documents === (await query.count())}`,
)

// A page far from the beginning costs what the first one does: one more than it shows is found, to
// tell whether there are more.
const cost = ({ examinedKeys, examinedDocs }) =>
  `${examinedKeys} entries, ${examinedDocs} documents`
console.log('first:', cost(await query.page({ size: 100, explain: true })))
let deep = null
for (let i = 1; i < 42; i++) deep = (await query.page({ size: 100, after: deep })).next
console.log('page 42:', cost(await query.page({ size: 100, after: deep, explain: true })))

// A token belongs to its query.
try {
  await features.find({ area: 'api' }).sort('-everywhere').page({ size: 3, after: token })
} catch (error) {
  console.log('refused:', error.code)
}
await db.close()
