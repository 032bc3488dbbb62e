// A damaged document: every way to it is CORRUPT and says where, and the rest stays usable.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { expr, open } from '../../index.js'
import type { LodestoreError } from '../../index.js'
import { collect, temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { PAGES, unlessSealed } from '../support/sealed'

const KEY = 37

/** A database whose document 37 is damaged, and what it was told of. */
async function damaged(t: TestContext): Promise<{ db: any; told: LodestoreError[] }> {
  const path = await temporaryDirectory(t)
  const stores = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } }, other: {} } as const
  const before = (await open(path, { stores, durability: 'relaxed' })) as any
  const documents = Array.from({ length: 100 }, (_, id) => ({ id, n: id % 50, text: `text ${id}` }))
  await before.store('s').putMany(documents)
  await before.store('other').put(1, 1)
  await before.close()
  const file = new DataFile(path)
  const nodes = file.tree('docs').flatMap((page) => (page.isLeaf ? page.nodes : []))
  // Those of the first store come first, in the order of their keys.
  file.bytes[nodes[KEY]!.data + 4]! ^= 0x40
  file.save()
  const told: LodestoreError[] = []
  const onIntegrityError = (error: LodestoreError): void => void told.push(error)
  const db = await open(path, { onIntegrityError })
  t.after(() => db.close())
  return { db, told }
}

const WAYS: Record<string, (db: any) => unknown> = {
  get: (db) => db.store('s').get(KEY),
  getSync: (db) => db.store('s').getSync(KEY),
  getMany: (db) => db.store('s').getMany([1, KEY, 2]),
  'getMany off the thread': (db) =>
    db.store('s').getMany(Array.from({ length: 500 }, (_, i) => i % 100)),
  getAll: (db) => db.store('s').getAll(),
  range: (db) => collect(db.store('s').range({ gte: 30 })),
  entries: (db) => collect(db.store('s').entries()),
  'get by index': (db) => db.store('s').index('byN').getAll(KEY),
  'range by index': (db) => collect(db.store('s').index('byN').range({ gte: 20 })),
  find: (db) => db.store('s').find({ text: 'text 80' }),
  'find by index': (db) => db.store('s').find({ n: KEY, text: { $exists: true } }),
  'sorted find': (db) => db.store('s').find().sort('text').toArray(),
  'count by a filter': (db) => db.store('s').count({ text: { $ne: 'x' } }),
  aggregate: (db) => db.store('s').aggregate([{ $group: { _id: '$text' } }]),
  update: (db) => db.store('s').update(KEY, { $set: { n: 1 } }),
  'update of a find': (db) =>
    db
      .store('s')
      .find({ n: { $gte: 0 } })
      .update({ $inc: { n: 1 } }),
  'update by an expression': (db) =>
    db
      .store('s')
      .find()
      .update({ $set: { n: expr.field('n').plus(1) } }),
  put: (db) => db.store('s').put({ id: KEY, n: 5 }),
  delete: (db) => db.store('s').delete(KEY),
  createIndex: (db) => db.createIndex('s', 'byText', 'text'),
  'in a transaction': (db) => db.transaction((tx: any) => tx.store('s').get(KEY)),
  'in a snapshot': async (db) => {
    using snapshot = await db.snapshot()
    return await snapshot.store('s').get(KEY)
  },
}

test(
  'every way to a damaged document says where it is, and tells onIntegrityError',
  unlessSealed(PAGES),
  async (t) => {
    const { db, told } = await damaged(t)
    for (const [name, way] of Object.entries(WAYS)) {
      told.length = 0
      const error = await fails(() => way(db), 'CORRUPT')
      assert.equal(error.store, 's', `${name}: the store`)
      assert.equal(error.key, KEY, `${name}: the key`)
      assert.ok(told.length > 0, `${name}: onIntegrityError`)
      assert.equal(told[0]!.code, 'CORRUPT')
      assert.equal(told[0]!.store, 's', name)
      assert.equal(told[0]!.key, KEY, name)
      assert.doesNotMatch(error.message, /text \d/)
    }
  },
)

test('the rest of the database stays usable', unlessSealed(PAGES), async (t) => {
  const { db, told } = await damaged(t)
  const store = db.store('s')
  assert.equal((await store.get(36)).text, 'text 36')
  assert.equal(await store.count(), 100)
  assert.equal((await store.getAll({ lt: KEY })).length, KEY)
  assert.equal((await store.getAll({ gt: KEY })).length, 99 - KEY)
  assert.equal((await store.getAllKeys()).length, 100)
  assert.equal((await store.index('byN').getAll(36)).length, 2)
  await store.put({ id: 36, n: 3, text: 'new' })
  await store.delete(35)
  assert.equal(await db.store('other').get(1), 1)
  assert.deepEqual(told, [])
})
