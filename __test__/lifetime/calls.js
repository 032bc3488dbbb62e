'use strict'

/**
 * Every kind of call, to be interrupted: by the end of its thread, by the end of its process, or by
 * `close`. What it writes is such that a half of it can be told.
 */

const { join } = require('node:path')

const STORES = {
  read: {
    keyPath: 'id',
    indexes: { byFrom: { on: 'from' }, byTag: { on: 'tags', multiEntry: true } },
  },
  written: {
    keyPath: 'id',
    indexes: { byFrom: { on: 'from' }, byTag: { on: 'tags', multiEntry: true } },
  },
  scratch: { keyPath: 'id', indexes: { byFrom: { on: 'from' } } },
  batches: { keyPath: 'id' },
  pairs: {},
  main: {},
}

/** How many documents there are to be read. */
const COUNT = 3000
/** How many documents are written at once, and more than one slice of them. */
const BATCH = 600
const LARGE_BATCH = 11_000

/** Fills the store that calls read. */
async function fill(db) {
  const documents = Array.from({ length: COUNT }, (_, id) => {
    return { id, from: 'main', tags: [id % 9, `t ${id}`] }
  })
  await db.store('read').putMany(documents)
}

async function* slowly(documents) {
  for (const [n, each] of documents.entries()) {
    if (n % 50 === 0) await new Promise(setImmediate)
    yield each
  }
}

async function drain(rows) {
  let count = 0
  const iterator = rows[Symbol.asyncIterator]()
  while (!(await iterator.next()).done) count++
  return count
}

class Undone extends Error {}

async function undone(run) {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
}

const ids = (i) => Array.from({ length: 40 }, (_, n) => (i * 40 + n) % COUNT)

/**
 * Calls by name. Each takes a database and a number that tells its calls apart.
 *
 * @param {Function} open
 * @param {string} path of the database
 * @param {string} name of who calls
 * @returns {Record<string, (db: any, i: number) => Promise<unknown>>}
 */
function callsOf(open, path, name) {
  const document = (i) => ({ id: `${name} ${i % 400}`, from: name, tags: ['t', i % 7, `${i}`] })
  const batch = (i, size = BATCH) =>
    Array.from({ length: size }, (_, n) => ({ id: [`${name} ${i}`, n], size }))

  /** The same number under two keys, in two steps. */
  const pair = async (tx, i) => {
    await tx.store('pairs').put(i, [name, 'a'])
    await tx.store('pairs').put(i, [name, 'b'])
  }
  const wrong = async (tx) => {
    await tx.store('pairs').put('wrong', [name, 'a'])
    throw new Undone()
  }

  return {
    get: (db, i) => Promise.all(ids(i).map((id) => db.store('read').get(id))),
    getSync: async (db, i) => ids(i).forEach((id) => db.store('read').getSync(id)),
    getMany: (db, i) => db.store('read').getMany([...ids(i), ...ids(i + 9)]),
    has: (db, i) => Promise.all(ids(i).map((id) => db.store('read').has(id))),
    count: (db) => db.store('read').count({ gte: 10 }),
    getAll: (db) => db.store('read').getAll(),
    getAllKeys: (db) => db.store('read').getAllKeys(),
    range: (db) => drain(db.store('read').range({ gte: 5 })),
    'range, not to its end': async (db) => {
      const rows = db.store('read').range()[Symbol.asyncIterator]()
      for (let n = 0; n < 600; n++) await rows.next()
    },
    'entries of an index': (db) => drain(db.store('read').index('byTag').entries()),
    'reads of an index': async (db, i) => {
      const byFrom = db.store('read').index('byFrom')
      await Promise.all([byFrom.get('main'), byFrom.getAll('main'), byFrom.count('main')])
      await byFrom.getKey({ gte: `${i % 9}` })
    },
    find: (db, i) =>
      db
        .store('read')
        .find({ tags: i % 9 })
        .sort('-id')
        .limit(900),
    'find by a scan': (db) => drain(db.store('read').find({ from: { $like: 'm%' } })),
    'find, not to its end': async (db) => {
      const query = db.store('read').find({ id: { $gte: 0 } })
      const rows = query[Symbol.asyncIterator]()
      for (let n = 0; n < 600; n++) await rows.next()
    },
    'find in a transaction': (db) =>
      db.transaction(async (tx) => {
        await tx.store('pairs').put(0, [name, 'c'])
        await drain(tx.store('read').find({ from: 'main' }))
      }),
    'a page': (db) => db.store('read').find().sort('-tags').page({ size: 100 }),
    cursor: async (db, i) => {
      const cursor = db.store('read').openCursor(undefined, { direction: i % 2 ? 'prev' : 'next' })
      for (let n = 0; n < 300; n++) await cursor.next()
      await cursor.seek(COUNT / 2)
      if (i % 3 > 0) await cursor.close()
    },
    'writes of a cursor': async (db, i) => {
      await db.store('written').put(document(i))
      const cursor = db.store('written').openCursor({ gte: name })
      while (await cursor.next()) {
        await cursor.update({ ...cursor.value, id: cursor.primaryKey, again: i })
        if (cursor.primaryKey.endsWith('3')) await cursor.delete()
      }
    },
    snapshot: async (db, i) => {
      const snapshot = await db.snapshot()
      await snapshot.store('read').getAll()
      await drain(snapshot.store('read').index('byTag').keys())
      if (i % 3 > 0) snapshot.close()
    },
    put: (db, i) => Promise.all(ids(i).map((id) => db.store('written').put(document(id)))),
    add: async (db, i) => {
      await db.store('written').add({ ...document(0), id: `${name} + ${i}` })
    },
    putMany: (db, i) => db.store('batches').putMany(batch(i)),
    'putMany of many': (db, i) => db.store('batches').putMany(batch(i, LARGE_BATCH)),
    'putMany, each': (db, i) =>
      db.store('written').putMany(ids(i).map(document), { atomic: false }),
    'putMany from an async iterable': (db, i) => db.store('batches').putMany(slowly(batch(i))),
    'putMany of many from an async iterable': (db, i) =>
      db.store('batches').putMany(slowly(batch(i, LARGE_BATCH))),
    update: async (db, i) => {
      const update = { $set: { again: i }, $inc: { times: 1 } }
      await db.store('written').put(document(i))
      await Promise.all(ids(i).map((id) => db.store('written').update(document(id).id, update)))
    },
    upsert: async (db, i) => {
      await db.store('written').upsert(document(i))
      await db.store('written').upsert({ id: document(i).id, again: i })
    },
    delete: async (db, i) => {
      await db.store('written').put(document(i))
      await db.store('written').delete(document(i).id)
    },
    'delete of a range': async (db, i) => {
      await db.store('written').putMany(ids(i).map(document))
      await db.store('written').delete({ gte: name, lt: `${name} 2` })
    },
    deleteMany: async (db, i) => {
      await db.store('written').putMany(ids(i).map(document))
      await db.store('written').deleteMany(ids(i).map((id) => document(id).id))
    },
    clear: async (db, i) => {
      await db.store('scratch').putMany(ids(i).map(document))
      await db.store('scratch').clear()
    },
    transaction: (db, i) => db.transaction((tx) => pair(tx, i)),
    'ambient transaction': (db, i) => db.transaction(() => pair(db, i)),
    'read-only transaction': (db) =>
      db.transaction((tx) => tx.store('read').getAll(), { mode: 'readonly' }),
    'transaction by hand': async (db, i) => {
      const tx = await db.begin()
      await pair(tx, i)
      await (i % 2 ? tx.commit() : tx.rollback())
    },
    'reads in a transaction': (db) =>
      db.transaction(async (tx) => {
        await tx.store('pairs').put(0, [name, 'c'])
        await drain(tx.store('read').range({ lt: 900 }))
        const cursor = tx.store('read').openCursor()
        for (let n = 0; n < 50; n++) await cursor.next()
      }),
    savepoint: (db, i) =>
      db.transaction(async (tx) => {
        await tx.savepoint((inner) => pair(inner, i))
        await undone(() => tx.savepoint(wrong))
      }),
    'savepoints within each other': (db, i) =>
      db.transaction((tx) =>
        tx.savepoint((one) => one.savepoint((two) => two.savepoint((three) => pair(three, i)))),
      ),
    createObjectStore: async (db, i) => {
      await db.createObjectStore(`${name} ${i}`, { keyPath: 'id', indexes: { a: { on: 'a' } } })
      await db.deleteObjectStore(`${name} ${i}`)
    },
    renameObjectStore: async (db, i) => {
      await db.createObjectStore(`${name} ${i}`)
      await db.renameObjectStore(`${name} ${i}`, `${name} ${i} again`)
      await db.deleteObjectStore(`${name} ${i} again`)
    },
    createIndex: async (db, i) => {
      await db.createIndex('read', `${name} ${i}`, 'tags', { multiEntry: true })
      await db.deleteIndex('read', `${name} ${i}`)
    },
    'createIndex in a transaction': (db, i) =>
      db.transaction(async (tx) => {
        await tx.createIndex('read', `${name} ${i}`, 'from')
        await tx.deleteIndex('read', `${name} ${i}`)
      }),
    renameIndex: async (db, i) => {
      await db.createIndex('scratch', `${name} ${i}`, 'from')
      await db.renameIndex('scratch', `${name} ${i}`, `${name} ${i} again`)
      await db.deleteIndex('scratch', `${name} ${i} again`)
    },
    stats: (db) => db.stats(),
    flush: (db, i) => Promise.all([db.store('written').put(document(i)), db.flush()]),
    open: async (_, i) => {
      const another = await open(path)
      await another.store('read').get(i % COUNT)
      void another.store('written').put(document(i))
      await another.close()
    },
    'open in memory': async () => {
      const another = await open(':memory:', { stores: { s: {} } })
      await another.store('s').put(1, 1)
      await another.close()
    },
    'open that is not closed': async (_, i) => {
      const another = await open(path)
      await another.snapshot()
      void another.store('written').put(document(i))
    },
    spaces: async (db, i) => {
      const space = await open(path, { space: `${name} ${i % 3}`, stores: { s: {} } })
      try {
        await space.store('s').put(1, 1)
        await db.spaces()
      } finally {
        await space.close()
      }
    },
    deleteSpace: async (db, i) => {
      const space = await open(path, { space: `${name} ${i}` })
      await space.close()
      await db.deleteSpace(`${name} ${i}`)
    },
    backup: (db, i) => db.backup(join(path, 'copies', `${name} ${i}`)),
    verify: (db) => db.verify(),
    'restore and repair': async (db, i) => {
      const copy = join(path, 'copies', `${name} ${i} of files`)
      await db.backup(copy)
      const { repair, restore } = require('../../index.js')
      await restore(copy, `${copy} restored`)
      await restore(copy, `${copy} restored`)
      await repair(copy, `${copy} repaired`)
    },
    compact: (db) => db.compact(),
    close: async (_, i) => {
      const another = await open(path)
      const s = another.store('written')
      void Promise.allSettled([s.put(document(i)), s.getAll(), another.snapshot(), another.begin()])
      await another.close()
    },
  }
}

module.exports = { STORES, COUNT, fill, callsOf }
