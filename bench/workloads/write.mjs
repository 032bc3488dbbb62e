import { documentAt } from '../dataset.mjs'
import { bytesOnDisk, check, documents, Stopwatch, Turns, warmUp } from '../lib/measure.mjs'
import { checkIndexes, checkSamples } from './check.mjs'

const BATCH = 1000
const CONCURRENT = 10_000
/** Documents of single puts that are made at a time. */
const SINGLE = 200
/** Documents that a batch of a warm-up has, at most. */
const WARM_UP_SIZE = 500

async function insertAll({ db, count }) {
  const watch = new Stopwatch()
  for (let from = 0; from < count; from += BATCH) {
    const batch = await documents(from, Math.min(from + BATCH, count))
    await watch.time(() => db.insertMany(batch))
  }
  await checkSamples(db, count)
  await checkIndexes(db, count)
  return count / watch.seconds
}

/**
 * Puts documents until the time is up, then until it were `least` documents or `most` seconds;
 * `put` settles when the documents it got are stored.
 */
async function putUntil({ seconds, least = 0, most = seconds }, from, size, put) {
  const watch = new Stopwatch()
  let next = from
  while (watch.seconds < seconds || (next - from < least && watch.seconds < most)) {
    const batch = await documents(next, next + size)
    await watch.time(() => put(batch))
    next += size
  }
  return { next, rate: (next - from) / watch.seconds }
}

async function putAll({ db, seconds }, size, put) {
  const { next } = await putUntil(warmUp(seconds), 0, Math.min(size, WARM_UP_SIZE), put)
  const { next: stored, rate } = await putUntil({ seconds }, next, size, put)
  await checkSamples(db, stored)
  await checkIndexes(db, stored)
  return rate
}

async function putOneByOne(context) {
  const { db, seconds } = context
  if (db.measurePuts !== undefined) return db.measurePuts(seconds)
  return putAll(context, SINGLE, async (batch) => {
    const turns = new Turns()
    for (const document of batch) {
      await (db.putAlone === undefined ? db.put(document) : db.putAlone(document))
      if (turns.isDue) await turns.next()
    }
  })
}

function putAtOnce(context) {
  const { db } = context
  return putAll(context, CONCURRENT, (batch) =>
    Promise.all(batch.map((document) => db.put(document))),
  )
}

async function deleteHalf({ db, count, random }) {
  const watch = new Stopwatch()
  const ids = shuffled(count, random)
  const removed = ids.slice(0, Math.ceil(count / 2))
  for (let from = 0; from < removed.length; from += BATCH) {
    const batch = removed.slice(from, from + BATCH)
    await watch.time(() => db.deleteMany(batch))
    await new Turns().next()
  }
  const kept = ids.slice(removed.length)
  check((await db.count()) === kept.length, 'the number of documents is wrong')
  let sum = 0
  await db.forEach(({ id }) => {
    sum += id
  })
  const wanted = kept.reduce((all, id) => all + id, 0)
  check(sum === wanted, 'other documents than the kept ones are left')
  await checkIndexes(db, count, new Set(kept))
  return removed.length / watch.seconds
}

function shuffled(count, random) {
  const ids = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const id = ids[i]
    ids[i] = ids[j]
    ids[j] = id
  }
  return ids
}

async function measureDisk(context) {
  await context.close()
  return bytesOnDisk(context.path) / 1e6
}

async function loadCompressed({ db, count }) {
  for (let from = 0; from < count; from += BATCH) {
    await db.insertMany(await documents(from, Math.min(from + BATCH, count)))
  }
  await checkSamples(db, count)
  check((await db.get(count - 1)).city === documentAt(count - 1).city, 'the last document differs')
}

const insert = { unit: 'docs/s', needs: ['insertMany'], run: insertAll }
const put = { unit: 'ops/s', needs: ['put'] }
const ALONE =
  'a caller who waits for each write, in the call of the peer that is the fastest for that'

export const bulk = { ...insert, name: 'bulk', title: 'bulk load, 1,000 a batch', grows: true }
export const bulkStrict = { ...insert, name: 'bulkStrict', title: 'bulk load, all at fsync' }
export const disk = {
  name: 'disk',
  title: 'bytes on disk after the load',
  unit: 'MB',
  needs: ['insertMany'],
  grows: true,
  run: measureDisk,
}
export const diskCompressed = {
  ...disk,
  name: 'diskCompressed',
  title: 'bytes on disk, with compression',
  grows: false,
  note: 'Lodestore with zstd, lmdb with LZ4; classic-level compresses unasked, in the row above',
  async run(context) {
    await loadCompressed(context)
    return measureDisk(context)
  },
}
export const putStrict = {
  ...put,
  name: 'put',
  title: 'put, one after another, fsync',
  needs: [['put', 'measurePuts']],
  note: ALONE,
  run: putOneByOne,
}
export const putRelaxed = {
  ...putStrict,
  name: 'putRelaxed',
  title: 'put, one after another, relaxed',
  note: 'a power failure may undo the last writes, and never corrupts',
  run: putOneByOne,
}
export const putUnsynced = {
  ...putStrict,
  name: 'putUnsynced',
  title: 'put, one after another, no fsync',
  note: 'a power failure may corrupt',
  run: putOneByOne,
}
export const putConcurrent = {
  ...put,
  name: 'putConcurrent',
  title: 'put, 10,000 at once, fsync',
  needs: ['put', 'get'],
  note: 'independent callers: a transaction each, which peers may commit together if they can',
  run: putAtOnce,
}
export const remove = {
  name: 'delete',
  title: 'delete, 1,000 a transaction',
  unit: 'docs/s',
  needs: ['deleteMany', 'findByCity'],
  run: deleteHalf,
}
