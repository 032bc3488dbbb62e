import { ageOf, CITIES, cityOf, documentAt, scoreOf } from '../dataset.mjs'
import { check, checkSame, memory, rateOf } from '../lib/measure.mjs'

const SAMPLES = 20
/** Batches that are prepared and then used in turn. */
const BATCHES = 64
const MANY = 100
const LIMIT = 20

/**
 * Random inputs with the sum of what they must answer, so that each timed answer is checked at the
 * price of one addition.
 */
function prepare(size, input, sumOf) {
  const batches = Array.from({ length: BATCHES }, () => {
    const inputs = Array.from({ length: size }, input)
    return { inputs, sum: inputs.reduce((sum, one) => sum + sumOf(one), 0) }
  })
  let next = 0
  return () => batches[next++ % BATCHES]
}

const sumOfScores = (list) => list.reduce((sum, document) => sum + document.score, 0)
const byId = (a, b) => a.id - b.id

async function getSync({ db, count, random, seconds }) {
  for (let i = 0; i < SAMPLES; i++) {
    const id = random.below(count)
    checkSame(db.getSync(id), documentAt(id), `document ${id}`)
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
    checkSame(await db.get(id), documentAt(id), `document ${id}`)
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
  checkSame(await db.getMany(some), some.map(documentAt), 'getMany')
  const next = prepare(MANY, () => random.below(count), scoreOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    check(sumOfScores(await db.getMany(inputs)) === sum, 'getMany answered wrong documents')
    return inputs.length
  }, seconds)
}

async function findEqual({ db, count, random, expected, seconds }) {
  const cityAt = () => cityOf(random.below(Math.min(count, CITIES)))
  for (let i = 0; i < SAMPLES; i++) {
    const city = cityAt()
    const found = (await db.findByCity(city)).toSorted(byId)
    checkSame(found, expected().idsOfCity(city).map(documentAt), city)
  }
  const sumOf = (city) =>
    expected()
      .idsOfCity(city)
      .reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(10, cityAt, sumOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const city of inputs) found += sumOfScores(await db.findByCity(city))
    check(found === sum, 'an equality query answered wrong documents')
    return inputs.length
  }, seconds)
}

async function findRange({ db, count, random, expected, seconds }) {
  const least = () => scoreOf(random.below(count))
  for (let i = 0; i < SAMPLES; i++) {
    const score = least()
    const found = await db.findFromScore(score, LIMIT)
    checkSame(found, expected().idsFromScore(score, LIMIT).map(documentAt), `score ${score}`)
  }
  const sumOf = (score) =>
    expected()
      .idsFromScore(score, LIMIT)
      .reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(50, least, sumOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    let found = 0
    for (const score of inputs) found += sumOfScores(await db.findFromScore(score, LIMIT))
    check(found === sum, 'a range query answered wrong documents')
    return inputs.length
  }, seconds)
}

async function scan({ db, count, random, expected, seconds }) {
  const age = ageOf(random.below(count))
  const ids = expected().idsOfAge(age)
  checkSame((await db.filterByAge(age)).toSorted(byId), ids.map(documentAt), `age ${age}`)
  return rateOf(async () => {
    check((await db.filterByAge(age)).length === ids.length, 'a scan missed documents')
    return count
  }, seconds)
}

const sumOfAllScores = (count) => {
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
  return rateOf(async () => {
    for (let i = 0; i < 10; i++) check((await db.count()) === count, 'the count is wrong')
    return 10
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

/** The memory that reading takes: as many point reads as documents, then queries. */
async function measureMemory({ db, count, random }) {
  const before = memory()
  for (let i = 0; i < count; i++) await db.get(random.below(count))
  for (let i = 0; i < 500; i++) await db.findByCity(cityOf(random.below(count)))
  for (let i = 0; i < 2000; i++) await db.findFromScore(scoreOf(random.below(count)), LIMIT)
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
    needs: ['getSync'],
    run: getSync,
  },
  { ...point, name: 'get', title: 'get, awaited', needs: ['get'], run: get },
  {
    ...stream,
    name: 'getMany',
    title: 'getMany, 100 keys',
    needs: ['getMany'],
    run: getMany,
  },
  {
    ...query,
    name: 'findEqual',
    title: 'index equality, 100 documents',
    needs: ['findByCity'],
    run: findEqual,
  },
  {
    ...query,
    name: 'findRange',
    title: 'index range, sorted, limit 20',
    needs: ['findFromScore'],
    run: findRange,
  },
  {
    ...stream,
    name: 'scan',
    title: 'scan: filter without an index, 1 %',
    needs: ['filterByAge'],
    run: scan,
  },
  { ...stream, name: 'iterate', title: 'iterate over a store', needs: ['forEach'], run: iterate },
  {
    ...stream,
    name: 'readAll',
    title: 'read a store into an array',
    needs: ['readAll'],
    run: readAll,
  },
  { ...point, name: 'countAll', title: 'count all', needs: ['count'], run: countAll },
  {
    ...point,
    name: 'countIndex',
    title: 'count by an index',
    needs: ['countByCity'],
    run: countIndex,
  },
]

export const memoryGrowth = {
  name: 'memory',
  title: 'anonymous memory growth by reading',
  unit: 'MB',
  needs: ['get', 'findByCity', 'findFromScore', 'filterByAge'],
  run: measureMemory,
}
