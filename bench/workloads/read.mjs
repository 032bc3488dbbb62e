import { ageOf, CITIES, cityOf, documentAt, scoreOf } from '../dataset.mjs'
import { check, memory, rateOf, Turns } from '../lib/measure.mjs'
import { checkDocument, checkDocuments } from './check.mjs'

const SAMPLES = 20
/** Batches that are prepared and then used in turn. */
const BATCHES = 64
const MANY = 100
const LIMIT = 20
/** Point reads of the memory row, at most. */
const MOST_GETS = 300_000
/** Milliseconds for each kind of reads of the memory row, at most. */
const LONGEST = 4000

/**
 * Random inputs with the sum of what they must answer, so that each timed answer is checked at the
 * price of one addition.
 */
export function prepare(size, input, sumOf) {
  const batches = Array.from({ length: BATCHES }, () => {
    const inputs = Array.from({ length: size }, input)
    return { inputs, sum: inputs.reduce((sum, one) => sum + sumOf(one), 0) }
  })
  let next = 0
  return () => batches[next++ % BATCHES]
}

export const sumOfScores = (list) => list.reduce((sum, document) => sum + document.score, 0)
const byId = (a, b) => a.id - b.id

async function getSync({ db, count, random, seconds }) {
  for (let i = 0; i < SAMPLES; i++) {
    const id = random.below(count)
    checkDocument(db, db.getSync(id), documentAt(id))
  }
  const next = prepare(1000, () => random.below(count), scoreOf)
  return rateOf(() => {
    const { inputs, sum } = next()
    let found = 0
    for (const id of inputs) found += db.getSync(id).score
    check(found === sum, 'getSync answered wrong documents')
    return inputs.length
  }, seconds)
}

async function get({ db, count, random, seconds }) {
  for (let i = 0; i < SAMPLES; i++) {
    const id = random.below(count)
    checkDocument(db, await db.get(id), documentAt(id))
  }
  const next = prepare(1000, () => random.below(count), scoreOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const id of inputs) found += (await db.get(id)).score
    check(found === sum, 'get answered wrong documents')
    return inputs.length
  }, seconds)
}

async function getMany({ db, count, random, seconds }) {
  const some = Array.from({ length: MANY }, () => random.below(count))
  checkDocuments(db, await db.getMany(some), some, 'getMany')
  const next = prepare(MANY, () => random.below(count), scoreOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    check(sumOfScores(await db.getMany(inputs)) === sum, 'getMany answered wrong documents')
    return inputs.length
  }, seconds)
}

async function page({ db, count, random, seconds }) {
  const from = () => random.below(Math.max(1, count - LIMIT))
  const idsFrom = (first) =>
    Array.from({ length: Math.min(LIMIT, count - first) }, (_, i) => first + i)
  for (let i = 0; i < SAMPLES; i++) {
    const first = from()
    checkDocuments(db, await db.page(first, LIMIT), idsFrom(first), `the page from ${first}`)
  }
  const sumOf = (first) => idsFrom(first).reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(10, from, sumOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const first of inputs) found += sumOfScores(await db.page(first, LIMIT))
    check(found === sum, 'a page has wrong documents')
    return inputs.length
  }, seconds)
}

/** An equality query, by the peer's own index API if it has one, or by a filter. */
async function findEqual(context) {
  return equality(context, (db, city) => db.findByCity(city))
}

async function queryEqual(context) {
  return equality(context, (db, city) =>
    db.queryByCity === undefined ? db.findByCity(city) : db.queryByCity(city),
  )
}

async function equality({ db, count, random, expected, seconds }, find) {
  const cityAt = () => cityOf(random.below(Math.min(count, CITIES)))
  for (let i = 0; i < SAMPLES; i++) {
    const city = cityAt()
    const found = (await find(db, city)).toSorted(byId)
    checkDocuments(db, found, expected().idsOfCity(city), city)
  }
  const sumOf = (city) =>
    expected()
      .idsOfCity(city)
      .reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(10, cityAt, sumOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const city of inputs) found += sumOfScores(await find(db, city))
    check(found === sum, 'an equality query answered wrong documents')
    return inputs.length
  }, seconds)
}

async function findRange(context) {
  return range(context, (db, score) => db.findFromScore(score, LIMIT))
}

async function queryRange(context) {
  return range(context, (db, score) =>
    db.queryFromScore === undefined
      ? db.findFromScore(score, LIMIT)
      : db.queryFromScore(score, LIMIT),
  )
}

async function range({ db, count, random, expected, seconds }, find) {
  const least = () => scoreOf(random.below(count))
  for (let i = 0; i < SAMPLES; i++) {
    const score = least()
    const found = await find(db, score)
    checkDocuments(db, found, expected().idsFromScore(score, LIMIT), `score ${score}`)
  }
  const sumOf = (score) =>
    expected()
      .idsFromScore(score, LIMIT)
      .reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(10, least, sumOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const score of inputs) found += sumOfScores(await find(db, score))
    check(found === sum, 'a range query answered wrong documents')
    return inputs.length
  }, seconds)
}

async function scan({ db, count, random, expected, seconds }) {
  const age = ageOf(random.below(count))
  const ids = expected().idsOfAge(age)
  checkDocuments(db, (await db.filterByAge(age)).toSorted(byId), ids, `age ${age}`)
  return rateOf(async () => {
    check((await db.filterByAge(age)).length === ids.length, 'a scan missed documents')
    return count
  }, seconds)
}

async function group({ db, count, seconds }) {
  const sum = sumOfAllScores(count)
  const groupByCity = async () => {
    if (db.groupByCity !== undefined) return db.groupByCity()
    const groups = new Map()
    await db.forEach(({ city, score }) => {
      const found = groups.get(city) ?? { city, count: 0, sum: 0 }
      groups.set(city, found)
      found.count++
      found.sum += score
    })
    return [...groups.values()]
  }
  return rateOf(async () => {
    const groups = await groupByCity()
    check(groups.length === Math.min(count, CITIES), 'there are groups too many or too few')
    check(groups.reduce((total, one) => total + one.sum, 0) === sum, 'a group has a wrong sum')
    check(groups.reduce((total, one) => total + one.count, 0) === count, 'a group is incomplete')
    return count
  }, seconds)
}

export const sumOfAllScores = (count) => {
  let sum = 0
  for (let i = 0; i < count; i++) sum += scoreOf(i)
  return sum
}

async function iterate({ db, count, seconds }) {
  const sum = sumOfAllScores(count)
  return rateOf(async () => {
    let found = 0
    await db.forEach((document) => {
      found += document.score
    })
    check(found === sum, 'the iteration missed documents')
    return count
  }, seconds)
}

async function readAll({ db, count, seconds }) {
  const sum = sumOfAllScores(count)
  return rateOf(async () => {
    check(sumOfScores(await db.readAll()) === sum, 'reading all missed documents')
    return count
  }, seconds)
}

async function countAll({ db, count, seconds }) {
  const start = performance.now()
  check((await db.count()) === count, 'the count is wrong')
  // So many that looking at the clock costs nothing, and so few that the loop turns in time.
  const size = Math.ceil(Math.min(1000, 1 / (performance.now() - start)))
  return rateOf(async () => {
    let sum = 0
    for (let i = 0; i < size; i++) sum += await db.count()
    check(sum === size * count, 'the count is wrong')
    return size
  }, seconds)
}

async function countIndex({ db, count, random, expected, seconds }) {
  const cityAt = () => cityOf(random.below(Math.min(count, CITIES)))
  const next = prepare(50, cityAt, (city) => expected().idsOfCity(city).length)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const city of inputs) found += await db.countByCity(city)
    check(found === sum, 'a count by an index is wrong')
    return inputs.length
  }, seconds)
}

/** Reads after a transaction that asynchronous code has carried, which has ended. */
async function getAfterTransaction(context) {
  const { db } = context
  checkDocument(db, await db.runTransaction(1), documentAt(1))
  return get(context)
}

/** The memory that reading takes: as many point reads as documents, then queries. */
async function measureMemory({ db, count, random }) {
  const before = memory()
  const turns = new Turns()
  const repeat = async (times, read) => {
    const end = performance.now() + LONGEST
    for (let i = 0; i < times && performance.now() < end; i++) {
      await read()
      if (turns.isDue) await turns.next()
    }
  }
  await repeat(Math.min(count, MOST_GETS), () => db.get(random.below(count)))
  await repeat(500, () => db.findByCity(cityOf(random.below(count))))
  await repeat(2000, () => db.findFromScore(scoreOf(random.below(count)), LIMIT))
  await db.filterByAge(1)
  const after = memory()
  const anonymous = (after.anonymous - before.anonymous) / 1e6
  return { figure: anonymous, resident: (after.resident - before.resident) / 1e6 }
}

const point = { unit: 'ops/s' }
const query = { unit: 'queries/s' }
const stream = { unit: 'docs/s' }

export const READS = [
  {
    ...point,
    name: 'getSync',
    title: 'get, synchronous',
    grows: true,
    needs: ['getSync'],
    run: getSync,
  },
  { ...point, name: 'get', title: 'get, awaited', needs: ['get'], grows: true, run: get },
  {
    ...stream,
    name: 'getMany',
    title: 'getMany, 100 keys',
    needs: ['getMany'],
    grows: true,
    run: getMany,
  },
  {
    ...query,
    name: 'page',
    title: 'page of 20 by key, at any depth',
    needs: ['page'],
    grows: true,
    run: page,
  },
  {
    ...query,
    name: 'findEqual',
    title: 'index equality, 100 documents',
    grows: true,
    needs: ['findByCity'],
    run: findEqual,
  },
  {
    ...query,
    name: 'findRange',
    title: 'index range, sorted, limit 20',
    grows: true,
    needs: ['findFromScore'],
    run: findRange,
  },
  {
    ...stream,
    name: 'scan',
    title: 'scan: filter without an index, 1 %',
    note: 'lmdb and classic-level have no filters: JavaScript looks at each document',
    needs: ['filterByAge'],
    run: scan,
  },
  {
    ...query,
    name: 'queryEqual',
    title: 'find by a filter on an index, 100 documents',
    grows: true,
    needs: ['findByCity'],
    note: 'Lodestore plans a filter; peers without filters use their index as above',
    run: queryEqual,
  },
  {
    ...query,
    name: 'queryRange',
    title: 'find by a filter, sorted, limit 20',
    grows: true,
    needs: ['findFromScore'],
    run: queryRange,
  },
  {
    ...stream,
    name: 'group',
    title: 'group by 1,000 cities: count and sum',
    needs: [['groupByCity', 'forEach']],
    note: 'peers without aggregation are iterated over, and JavaScript groups',
    run: group,
  },
  { ...stream, name: 'iterate', title: 'iterate over a store', needs: ['forEach'], run: iterate },
  {
    ...stream,
    name: 'readAll',
    title: 'read a store into an array',
    needs: ['readAll'],
    run: readAll,
  },
  { ...point, name: 'countAll', title: 'count all', needs: ['count'], grows: true, run: countAll },
  {
    ...point,
    name: 'countIndex',
    title: 'count by an index',
    needs: ['countByCity'],
    grows: true,
    run: countIndex,
  },
  // The last: what it does must not change the figures of the others.
  {
    ...point,
    name: 'getAfterTransaction',
    title: 'get, after an ambient transaction',
    needs: ['runTransaction'],
    run: getAfterTransaction,
  },
]

export const memoryGrowth = {
  name: 'memory',
  title: 'anonymous memory growth by reading',
  unit: 'MB',
  grows: true,
  note: 'what a peer holds before it is read does not count: nedb and lokijs hold everything',
  needs: ['get', 'findByCity', 'findFromScore', 'filterByAge'],
  run: measureMemory,
}
