import { documentAt, documents } from '../dataset.mjs'
import { bytesOnDisk, check, checkSame, Stopwatch } from '../lib/measure.mjs'

const BATCH = 1000
const CONCURRENT = 10_000

async function insertAll({ db, count }) {
  const watch = new Stopwatch()
  for (let from = 0; from < count; from += BATCH) {
    const batch = documents(from, Math.min(from + BATCH, count))
    await watch.time(() => db.insertMany(batch))
  }
  await checkStored(db, count)
  return count / watch.seconds
}

/** Looks at the number of documents and at some of them. */
async function checkStored(db, count) {
  if (db.count !== undefined)
    check((await db.count()) === count, 'the number of documents is wrong')
  if (db.get === undefined) return
  for (let i = 0; i < 20; i++) {
    const id = Math.floor((i * (count - 1)) / 19)
    checkSame(await db.get(id), documentAt(id), `document ${id}`)
  }
}

async function putOneByOne({ db, seconds }) {
  const watch = new Stopwatch()
  let stored = 0
  while (watch.seconds < seconds) {
    const batch = documents(stored, stored + 100)
    await watch.time(async () => {
      for (const document of batch) await db.put(document)
    })
    stored += batch.length
  }
  await checkStored(db, stored)
  return stored / watch.seconds
}

async function putAtOnce({ db, seconds }) {
  const watch = new Stopwatch()
  let stored = 0
  while (watch.seconds < seconds) {
    const batch = documents(stored, stored + CONCURRENT)
    await watch.time(() => Promise.all(batch.map((document) => db.put(document))))
    stored += batch.length
  }
  await checkStored(db, stored)
  return stored / watch.seconds
}

async function deleteHalf({ db, count, random }) {
  const watch = new Stopwatch()
  const ids = shuffled(count, random).slice(0, Math.ceil(count / 2))
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH)
    await watch.time(() => db.deleteMany(batch))
  }
  check((await db.count()) === count - ids.length, 'the number of documents is wrong')
  const [kept] = await db.findByCity(documentAt(0).city)
  check(kept === undefined || !ids.includes(kept.id), 'a deleted document is still there')
  return ids.length / watch.seconds
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

async function measureDisk({ db, path }) {
  await db.close()
  return bytesOnDisk(path) / 1e6
}

const insert = { unit: 'docs/s', needs: ['insertMany'], run: insertAll }
const put = { unit: 'ops/s', needs: ['put'] }

export const bulk = { ...insert, name: 'bulk', title: 'bulk load, 1,000 a batch' }
export const bulkStrict = { ...insert, name: 'bulkStrict', title: 'bulk load, all at fsync' }
export const disk = {
  name: 'disk',
  title: 'bytes on disk after the load',
  unit: 'MB',
  needs: ['insertMany'],
  run: measureDisk,
}
export const putStrict = {
  ...put,
  name: 'put',
  title: 'put, one after another, fsync',
  run: putOneByOne,
}
export const putRelaxed = {
  ...put,
  name: 'putRelaxed',
  title: 'put, one after another, relaxed',
  run: putOneByOne,
}
export const putUnsynced = {
  ...put,
  name: 'putUnsynced',
  title: 'put, one after another, no fsync',
  run: putOneByOne,
}
export const putConcurrent = {
  ...put,
  name: 'putConcurrent',
  title: 'put, 10,000 at once, fsync',
  needs: ['put', 'get'],
  run: putAtOnce,
}
export const remove = {
  name: 'delete',
  title: 'delete, 1,000 a transaction',
  unit: 'docs/s',
  needs: ['deleteMany', 'findByCity'],
  run: deleteHalf,
}
