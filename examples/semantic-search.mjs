/**
 * Semantic search on real data: the features of the web platform that `npm start` shows, found by
 * what their names, descriptions and tags say. The embeddings are made here, without a model; with
 * one, only `embed` changes.
 */

import { open } from 'lodestore'
import { Embedder } from './support/embeddings.mjs'
import { featuresOf, readDataSet } from './support/features.mjs'

/** What a feature is found by. */
function textOf({ id, description = '', tags }) {
  const plain = description.replaceAll(/<[^>]+>/g, '')
  return [
    id.replaceAll('.', ' '),
    plain,
    ...tags.map((tag) => tag.replace('web-features:', '')),
  ].join(' ')
}

const documents = featuresOf(readDataSet()).filter(({ area }) => area !== 'webextensions')
const embedder = new Embedder(documents.map(textOf))
const db = await open(':memory:', {
  stores: {
    features: {
      keyPath: 'id',
      indexes: { byArea: { on: 'area' } },
      vectors: { meaning: { on: 'embedding', dimensions: embedder.dimensions, metric: 'cosine' } },
    },
  },
})
const features = db.store('features')
await features.putMany(
  documents.map((feature) => ({ ...feature, embedding: embedder.embed(textOf(feature)) })),
)
console.log(`${await features.count()} features`)

const show = (title, ids) => console.log(`${title}:\n  ${ids.join('\n  ')}`)
const idsOf = (hits) => hits.map(({ key }) => key)

// Words in another form find the feature, too.
const vector = embedder.embed('templates for the columns of grids')
show('templates of columns', idsOf(await features.nearest('meaning', vector, { k: 3 })))

// Any filter goes with it: what CSS has, and Chrome, Firefox and Safari support.
const everywhere = { area: 'css', browsers: { $all: ['chrome', 'firefox', 'safari'] } }
const scrolling = embedder.embed('smooth scrolling')
const hits = await features.nearest('meaning', scrolling, { k: 3, where: everywhere })
show('scrolling, in CSS everywhere', idsOf(hits))

// The same in a query, which goes on with what it found: here the newest comes first.
const $vector = { index: 'meaning', query: scrolling, k: 50, maxDistance: 0.7 }
const newest = await features
  .find({ $vector, 'since.chrome': { $exists: true } })
  .sort(['-since.chrome', 'id'])
  .limit(3)
  .select({ id: 1, since: 1, score: { $meta: 'vectorSearchScore' } })
show(
  'the newest about scrolling',
  newest.map(({ id, since }) => `${id}, Chrome ${since.chrome}`),
)

// In a pipeline: what areas have something about animations.
const areas = await features.aggregate([
  { $vectorSearch: { index: 'meaning', queryVector: embedder.embed('animation'), limit: 200 } },
  {
    $group: { _id: '$area', features: { $sum: 1 }, best: { $max: { $meta: 'vectorSearchScore' } } },
  },
  { $sort: { features: -1, _id: 1 } },
  { $limit: 3 },
])
show(
  'areas with animations',
  areas.map(({ _id, features: count }) => `${_id}: ${count}`),
)

// The nearest are often much alike; mmr lets them differ.
const colours = embedder.embed('color')
const alike = await features.nearest('meaning', colours, { k: 4 })
const diverse = await features.nearest('meaning', colours, {
  k: 4,
  mmr: { lambda: 0.4, fetchK: 60 },
})
show('colours', idsOf(alike))
show('colours that differ', idsOf(diverse))

// More like some, less like another.
const examples = {
  positive: ['css.properties.border-radius', 'css.properties.border-image'],
  negative: ['css.properties.border-collapse'],
}
const like = await features.recommend('meaning', examples, { k: 3, where: { area: 'css' } })
show('like rounded and pictured borders', idsOf(like))

// Many searches in one call.
const texts = ['video subtitles', 'drag and drop', 'date and time formatting']
const found = await features.nearestMany(
  'meaning',
  texts.map((text) => embedder.embed(text)),
  {
    k: 1,
  },
)
show(
  'three searches at once',
  found.map(([hit], at) => `${texts[at]}: ${hit.key}`),
)

// An exact word and its meaning, together: the ranks of both lists are added up.
const word = 'scrollbar'
const [byWord, byMeaning] = await Promise.all([
  features
    .find({ name: { $contains: word } })
    .sort('id')
    .limit(50)
    .keys(),
  features.nearest('meaning', embedder.embed('colour of scrollbars'), { k: 50, maxDistance: 0.7 }),
])
const ranks = new Map()
for (const list of [byWord, idsOf(byMeaning)]) {
  list.forEach((id, rank) => ranks.set(id, (ranks.get(id) ?? 0) + 1 / (60 + rank)))
}
const fused = [...ranks].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
show(
  'by word and meaning',
  fused.slice(0, 3).map(([id]) => id),
)

await db.close()
