/** Fills the tour's database. */

import { featuresOf, readDataSet } from './features.mjs'
import { Progress, count, span, timed } from './print.mjs'

/** The stores of the tour; `open` creates what is missing. */
export const stores = {
  features: {
    keyPath: 'id',
    indexes: {
      byPage: { on: 'page', unique: true, sparse: true },
      byAreaAndStatus: { on: ['area', 'status'] },
      byAreaNewest: { on: ['area', '-everywhere'] },
      byChrome: { on: 'since.chrome', sparse: true },
      byBrowser: { on: 'browsers', multiEntry: true },
    },
  },
  about: {},
}

/** The last index is built from the stored documents, to show how that goes. */
const LATE_INDEX = 'byTag'

/**
 * Makes sure that the newest data set is in the database.
 *
 * @param {import('lodestore').Database} db
 */
export async function ensureLoaded(db) {
  const dataSet = readDataSet()
  const { version } = dataSet.__meta
  const about = db.store('about')
  const loaded = await about.get('data set')
  if (loaded?.version === version) {
    console.log(
      `Found ${count(loaded.features)} features of browser-compat-data ${version} here, ` +
        `loaded on ${loaded.at.toISOString()}: nothing to load.`,
    )
  } else {
    await load(db, dataSet)
  }
  await ensureTagIndex(db)
}

/** The note about the data set comes last: without it, the next run loads again. */
async function load(db, dataSet) {
  const { version } = dataSet.__meta
  console.log(`Loading browser-compat-data ${version} …`)
  const [documents, walking] = await timed(() => featuresOf(dataSet))
  console.log(`  found ${count(documents.length)} features in ${span(walking)}`)
  const features = db.store('features')
  await features.clear()
  const progress = new Progress('stored')
  await features.putMany(reporting(documents, progress))
  const time = progress.finish()
  const note = { version, features: documents.length, at: new Date() }
  await db.store('about').put(note, 'data set')
  const rate = Math.round((documents.length / time) * 1000)
  console.log(`  all on disk in ${span(time)}, ${count(rate)} documents a second`)
}

/** The documents, with a report of how many were taken. */
function* reporting(documents, progress) {
  for (const [i, document] of documents.entries()) {
    yield document
    if (i % 100 === 99 || i === documents.length - 1) progress.update(i + 1, documents.length)
  }
}

async function ensureTagIndex(db) {
  if (db.store('features').indexNames.includes(LATE_INDEX)) return
  const progress = new Progress('indexed tags of')
  await db.createIndex('features', LATE_INDEX, 'tags', {
    multiEntry: true,
    onProgress: ({ done, total }) => progress.update(done, total),
  })
  console.log(`  index built in ${span(progress.finish())}`)
}
