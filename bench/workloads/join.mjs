import { CITIES, cityOf, scoreOf } from '../dataset.mjs'
import { check, rateOf } from '../lib/measure.mjs'

/** As many documents are joined, each with one of the cities. */
const JOINED = 10_000

const countryOf = (name) => Number(name.slice(-3)) % 195

async function joinCities({ db, count, seconds }) {
  const names = Array.from({ length: CITIES }, (_, i) => cityOf(i))
  await db.insertCities(names.map((name) => ({ name, country: countryOf(name) })))
  const below = Math.min(count, JOINED)
  const rows = (await db.joinCities(below)).toSorted((a, b) => a.id - b.id)
  check(rows.length === below, 'a join has rows too many or too few')
  for (const [at, { id, score, country }] of rows.entries()) {
    const isRight = id === at && score === scoreOf(id) && country === countryOf(cityOf(id))
    check(isRight, `row ${at} of a join is wrong`)
  }
  const sum = rows.reduce((total, { country }) => total + country, 0)
  return rateOf(async () => {
    const found = await db.joinCities(below)
    const total = found.reduce((all, { country }) => all + country, 0)
    check(found.length === below && total === sum, 'a join is wrong')
    return below
  }, seconds)
}

export const join = {
  name: 'join',
  title: 'join 10,000 documents with 1,000 cities by name',
  unit: 'docs/s',
  needs: ['insertCities', 'joinCities'],
  note: 'lmdb has no joins: JavaScript looks up the city of each document',
  run: joinCities,
}
