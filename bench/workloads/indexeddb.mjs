import { CITIES, cityOf, documentAt, scoreOf } from '../dataset.mjs'
import { completed, resultOf } from '../lib/indexeddb.mjs'
import { check, checkSame, documents, rateOf, Stopwatch } from '../lib/measure.mjs'
import { checkDocument, checkDocuments, checkIndexes, checkSamples } from './check.mjs'
import { Increments } from './update.mjs'
import { prepare, sumOfAllScores, sumOfScores } from './read.mjs'

const MANY = 1000
const TRANSACTIONS = 100
const SAMPLES = 20
const CITIES_AT_A_TIME = 10

/** All documents in one transaction. */
async function putAll({ db, count }) {
  const all = await documents(0, count)
  const watch = new Stopwatch()
  await watch.time(() => {
    const store = db.write()
    for (const document of all) store.put(document)
    return completed(store.transaction)
  })
  await checkSamples(db, count)
  await checkIndexes(db, count)
  return count / watch.seconds
}

/** Adds 1 to the age of a document: a read and a write in a transaction of their own. */
function increment(db, id) {
  const store = db.write()
  const request = store.get(id)
  request.addEventListener('success', () => {
    const document = request.result
    document.age++
    store.put(document)
  })
  return completed(store.transaction)
}

async function transactions(context, run) {
  const { db, count, random, seconds } = context
  // What one workload has changed the next one finds.
  const increments = (context.increments ??= new Increments())
  const rate = await rateOf(async () => {
    const ids = Array.from({ length: TRANSACTIONS }, () => random.below(count))
    for (const id of ids) increments.add(id)
    await run(ids)
    return TRANSACTIONS
  }, seconds)
  await increments.check(db)
  return rate
}

function transactionsOneByOne(context) {
  return transactions(context, async (ids) => {
    for (const id of ids) await increment(context.db, id)
  })
}

function transactionsAtOnce(context) {
  return transactions(context, (ids) => Promise.all(ids.map((id) => increment(context.db, id))))
}

async function gets({ db, count, random, seconds }, read) {
  for (let i = 0; i < SAMPLES; i++) {
    const id = random.below(count)
    checkDocument(db, await db.get(id), documentAt(id))
  }
  const next = prepare(MANY, () => random.below(count), scoreOf)
  return rateOf(async () => {
    const { inputs, sum } = next()
    check((await read(db.read(), inputs)) === sum, 'get answered wrong documents')
    return inputs.length
  }, seconds)
}

function getOneByOne(context) {
  return gets(context, async (store, ids) => {
    let found = 0
    for (const id of ids) found += (await resultOf(store.get(id))).score
    return found
  })
}

function getAtOnce(context) {
  return gets(context, async (store, ids) =>
    sumOfScores(await Promise.all(ids.map((id) => resultOf(store.get(id))))),
  )
}

/** Calls `visit` with each document that a cursor comes to. */
function walk(source, visit) {
  return new Promise((resolve, reject) => {
    const request = source.openCursor()
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      const cursor = request.result
      if (cursor === null) return resolve()
      visit(cursor.value)
      cursor.continue()
    })
  })
}

async function walkOverAll({ db, count, seconds }) {
  const sum = sumOfAllScores(count)
  return rateOf(async () => {
    let found = 0
    await walk(db.read(), ({ score }) => {
      found += score
    })
    check(found === sum, 'the cursor missed documents')
    return count
  }, seconds)
}

async function getAll({ db, count, seconds }) {
  const sum = sumOfAllScores(count)
  return rateOf(async () => {
    const found = await resultOf(db.read().getAll())
    check(found.length === count && sumOfScores(found) === sum, 'getAll missed documents')
    return count
  }, seconds)
}

async function getAllByIndex({ db, count, random, expected, seconds }) {
  const cityAt = () => cityOf(random.below(Math.min(count, CITIES)))
  for (let i = 0; i < SAMPLES; i++) {
    const city = cityAt()
    // Documents with one index key are in the order of their primary keys.
    checkDocuments(db, await db.findByCity(city), expected().idsOfCity(city), city)
  }
  const scores = (city) =>
    expected()
      .idsOfCity(city)
      .reduce((sum, id) => sum + scoreOf(id), 0)
  const next = prepare(CITIES_AT_A_TIME, cityAt, scores)
  return rateOf(async () => {
    const { inputs, sum } = next()
    const index = db.read().index('byCity')
    let found = 0
    for (const city of inputs) found += sumOfScores(await resultOf(index.getAll(city)))
    checkSame(found, sum, 'getAll by an index')
    return inputs.length
  }, seconds)
}

const ALONE = 'each reads a document and puts it back changed, and is awaited until it is complete'
const MEMORY = 'fake-indexeddb writes nothing to the disk'
const point = { unit: 'ops/s', needs: [] }
const stream = { unit: 'docs/s', needs: [] }

/** Puts all documents, which the others find. */
export const idbPut = {
  ...stream,
  name: 'idbPut',
  title: 'IndexedDB: put all in one transaction',
  note: MEMORY,
  run: putAll,
}

export const INDEXED_DB = [
  idbPut,
  {
    ...point,
    name: 'idbGet',
    title: 'IndexedDB: get, one after another',
    note: '1,000 in one transaction',
    run: getOneByOne,
  },
  {
    ...point,
    name: 'idbGetAtOnce',
    title: 'IndexedDB: get, 1,000 at once',
    run: getAtOnce,
  },
  {
    ...stream,
    name: 'idbCursor',
    title: 'IndexedDB: cursor over all',
    run: walkOverAll,
  },
  {
    ...stream,
    name: 'idbGetAll',
    title: 'IndexedDB: getAll of all',
    run: getAll,
  },
  {
    ...point,
    unit: 'queries/s',
    name: 'idbGetAllByIndex',
    title: 'IndexedDB: getAll by an index, 100 documents',
    run: getAllByIndex,
  },
  {
    ...point,
    name: 'idbTransactions',
    title: 'IndexedDB: read-write transactions in turn',
    note: `${ALONE}; ${MEMORY}`,
    run: transactionsOneByOne,
  },
  {
    ...point,
    name: 'idbTransactionsAtOnce',
    title: 'IndexedDB: 100 read-write transactions at once',
    note: `each as above, all created before the first one runs; ${MEMORY}`,
    run: transactionsAtOnce,
  },
]
