/**
 * A tour of Lodestore on real data: which browser supports which feature of the web platform.
 *
 *     npm start                    the tour; the first run loads the data
 *     node examples/main.mjs DIR   the same with the database in DIR
 *
 * Delete `data/browser-compat` to begin anew.
 */

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LodestoreError, open } from 'lodestore'
import { ensureLoaded, stores } from './support/load.mjs'
import { count, heading, size, span, timed } from './support/print.mjs'
import * as questions from './support/questions.mjs'

const DEFAULT_PATH = fileURLToPath(new URL('../data/browser-compat', import.meta.url))

async function main(path = DEFAULT_PATH) {
  const [db, opening] = await timed(() => open(path, { stores }))
  console.log(`Opened ${relative(process.cwd(), path) || '.'} in ${span(opening)}.`)
  try {
    await ensureLoaded(db)
    const features = db.store('features')
    await questions.oneFeature(features)
    await questions.areas(features)
    await questions.newest(features)
    await questions.chromeReleases(features)
    await questions.browsers(features)
    await questions.tags(features)
    await questions.relatives(features)
    await questions.whatIf(db)
    await questions.pointReads(features)
    const { fileSize } = await db.stats()
    heading(`${count(await features.count())} documents, ${size(fileSize)} with all indexes.`)
  } finally {
    await db.close()
  }
}

// Whoever reads the output may stop early, as `head` does.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  await main(process.argv[2])
} catch (error) {
  process.exitCode = 1
  if (error instanceof LodestoreError) {
    console.error(`The tour ended early: ${error.message} (${error.code})`)
  } else if (error.code === 'MODULE_NOT_FOUND') {
    console.error('The tour needs its data set: run `npm install`, or start it with `npm start`.')
  } else {
    throw error
  }
}
