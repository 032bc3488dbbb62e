import { isDeepStrictEqual } from 'node:util'
import { CITIES, cityOf, documentAt, scoreOf } from '../dataset.mjs'
import { check, checkSame } from '../lib/measure.mjs'

const SAMPLES = 20

/** Documents as the generator makes them, without what a peer adds. */
export function plain(db, documents) {
  return db.plain === undefined ? documents : documents.map((document) => db.plain(document))
}

/** Compares a document with the generator's. @throws {import('../lib/measure.mjs').WrongResult} */
export function checkDocument(db, document, expected) {
  const [bare] = plain(db, [document ?? {}])
  check(isDeepStrictEqual(bare, expected), `document ${expected.id} differs from the generator`)
}

/** Compares lists of documents, in order. */
export function checkDocuments(db, documents, ids, what) {
  checkSame(plain(db, documents), ids.map(documentAt), what)
}

/** Looks at the number of documents and at some of the first `count`. */
export async function checkSamples(db, count) {
  if (db.count !== undefined)
    check((await db.count()) === count, 'the number of documents is wrong')
  if (db.get === undefined) return
  for (let i = 0; i < SAMPLES; i++) {
    const id = Math.floor((i * (count - 1)) / (SAMPLES - 1))
    checkDocument(db, await db.get(id), documentAt(id))
  }
}

/**
 * Looks at both indexes after writes: some cities, and a stretch of the scores.
 *
 * @param {import('../lib/contract.mjs').Database} db
 * @param {number} count documents were written, from 0 on
 * @param {Set<number>} [kept] those that are left
 */
export async function checkIndexes(db, count, kept) {
  const isThere = (id) => kept === undefined || kept.has(id)
  if (db.findByCity !== undefined) {
    const found = new Set()
    const wanted = new Set()
    for (let i = 0; i < Math.min(5, count); i++) {
      for (const { id } of await db.findByCity(cityOf(i))) found.add(id)
      // 7,919 and 1,000 have no common divisor, so a city comes again after 1,000 documents.
      for (let id = i; id < count; id += CITIES) if (isThere(id)) wanted.add(id)
    }
    checkSame(found, wanted, 'the index of cities')
  }
  if (db.findFromScore === undefined) return
  const scores = []
  for (let id = 0; id < count; id++) if (isThere(id)) scores.push(scoreOf(id))
  const least = scores[scores.length >>> 1] ?? 0
  const wanted = scores.filter((score) => score >= least).sort((a, b) => a - b)
  const found = (await db.findFromScore(least, SAMPLES)).map(({ score }) => score)
  checkSame(found, wanted.slice(0, SAMPLES), 'the index of scores')
}
