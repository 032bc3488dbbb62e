// A damaged block: what needs a document of it says which one, as far as that is known.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open, type LodestoreError } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { breakLeaf, documentOf, KEY } from './broken-leaf'

const COUNT = 3_000
const encryption = { key: KEY }
const stores = { s: { keyPath: 'id', indexes: { byText: { on: 'text' } } } } as const

/** Reads that come to the document of this key first, of those that are lost. */
const WAYS: Record<string, (db: any, key: number) => unknown> = {
  get: (db, key) => db.store('s').get(key),
  getMany: (db, key) => db.store('s').getMany([1, key, 2]),
  'getMany off the thread': (db, key) =>
    db.store('s').getMany([...Array.from({ length: 500 }, (_, i) => i), key]),
  'get by index': (db, key) => db.store('s').index('byText').get(`document ${key}`),
  'getAll by index': (db, key) => db.store('s').index('byText').getAll(`document ${key}`),
  'find by index': (db, key) => db.store('s').find({ text: `document ${key}`, pad: { $gt: '' } }),
  update: (db, key) => db.store('s').update(key, { $set: { pad: '' } }),
  put: (db, key) => db.store('s').put({ id: key }),
  delete: (db, key) => db.store('s').delete(key),
}
/** Reads that come to the damage between two keys: what is lost cannot be named. */
const SCANS: Record<string, (db: any) => unknown> = {
  getAll: (db) => db.store('s').getAll(),
  find: (db) => db.store('s').find({ pad: 'none' }).toArray(),
  aggregate: (db) => db.store('s').aggregate([{ $group: { _id: '$pad' } }]),
  count: (db) => db.store('s').count({ pad: 'none' }),
}

test('a damaged block says which document cannot be read', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  const before = (await open(path, { encryption, stores, durability: 'relaxed' })) as any
  await before.store('s').putMany(Array.from({ length: COUNT }, (_, id) => documentOf(id)))
  await before.close()
  const lost = breakLeaf(path, 'text')
  const told: LodestoreError[] = []
  const onIntegrityError = (error: LodestoreError): void => void told.push(error)
  const db = (await open(path, { encryption, onIntegrityError })) as any
  t.after(() => db.close())
  for (const key of [lost[0]!, lost.at(-1)!]) {
    for (const [name, way] of Object.entries(WAYS)) {
      told.length = 0
      const error = await fails(() => way(db, key), 'CORRUPT')
      assert.deepEqual([error.store, error.key], ['s', key], name)
      assert.deepEqual([told[0]?.store, told[0]?.key], ['s', key], name)
    }
  }
  for (const [name, scan] of Object.entries(SCANS)) {
    told.length = 0
    const error = await fails(() => scan(db), 'CORRUPT')
    assert.deepEqual([error.store, told[0]?.store], ['s', 's'], name)
  }
  const sound = lost[0]! - 1
  assert.deepEqual(await db.store('s').get(sound), documentOf(sound))
  assert.equal((await db.store('s').getAll({ lt: sound })).length, sound)
})
