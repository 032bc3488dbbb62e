import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRange, open } from '../../index.js'
import { rejects, temporaryDatabase, throws } from '../support/database'

const anyOpen = open as (...args: unknown[]) => Promise<unknown>

test('open refuses what is not a path or an option, by name', async () => {
  const cases: [unknown[], string | undefined][] = [
    [[], 'path'],
    [[''], 'path'],
    [[5], 'path'],
    [['x', null], 'options'],
    [['x', 'y'], 'options'],
    [['x', []], 'options'],
    [['x', { mod: 'create' }], 'options.mod'],
    [['x', { mode: 'write' }], 'options.mode'],
    [['x', { durability: 'full' }], 'options.durability'],
    [['x', { space: '' }], 'options.space'],
    [['x', { mapSize: 1.5 }], 'options.mapSize'],
    [['x', { busyTimeout: -1 }], 'options.busyTimeout'],
    [['x', { maxPendingBytes: '64 MiB' }], 'options.maxPendingBytes'],
    [['x', { maxReaders: 0 }], 'options.maxReaders'],
    [['x', { snapshotTimeout: Infinity }], 'options.snapshotTimeout'],
    [['x', { stores: [] }], 'options.stores'],
    [['x', { stores: { a: 5 } }], 'options.stores.a'],
    [['x', { stores: { a: { keypath: 'id' } } }], 'options.stores.a.keypath'],
    [['x', { stores: { a: { keyPath: '' } } }], 'options.stores.a.keyPath'],
    [['x', { stores: { a: { keyPath: 'a..b' } } }], 'options.stores.a.keyPath'],
    [['x', { stores: { a: { keyPath: '-a' } } }], 'options.stores.a.keyPath'],
    [['x', { stores: { a: { keyPath: [] } } }], 'options.stores.a.keyPath'],
    [['x', { stores: { a: { keyPath: ['a', 5] } } }], 'options.stores.a.keyPath[1]'],
    [['x', { stores: { a: { autoIncrement: 1 } } }], 'options.stores.a.autoIncrement'],
    [['x', { stores: { a: { key: 'random' } } }], 'options.stores.a.key'],
    [['x', { stores: { a: { key: 'uuidv7', autoIncrement: true } } }], 'options.stores.a.key'],
    [['x', { stores: { a: { keyPath: ['a'], key: 'uuidv7' } } }], 'options.stores.a.keyPath'],
    [['x', { stores: { a: { compression: 'gzip' } } }], 'options.stores.a.compression'],
    [['x', { stores: { a: { indexes: [] } } }], 'options.stores.a.indexes'],
    [['x', { stores: { a: { indexes: { i: {} } } } }], 'options.stores.a.indexes.i.on'],
    [['x', { stores: { a: { indexes: { i: { on: [] } } } } }], 'options.stores.a.indexes.i.on'],
    [
      ['x', { stores: { a: { indexes: { i: { on: ['a', 'b'], multiEntry: true } } } } }],
      'options.stores.a.indexes.i.on',
    ],
    [
      ['x', { stores: { a: { indexes: { i: { on: 'a', uniqe: true } } } } }],
      'options.stores.a.indexes.i.uniqe',
    ],
  ]
  for (const [args, path] of cases) {
    const error = await rejects(anyOpen(...args), 'INVALID_ARGUMENT', { path })
    assert.match(error.message, /^open: /)
  }
})

test('methods refuse what they do not take, by name', async (t) => {
  const db = (await temporaryDatabase(t, {
    stores: { a: { keyPath: 'id', indexes: { byX: { on: 'x' } } } },
  })) as any
  const a = db.store('a')
  const byX = a.index('byX')
  const noop = () => {}
  const cases: [() => Promise<unknown>, string][] = [
    [() => db.createObjectStore(5), 'name'],
    [() => db.createObjectStore('b', { autoincrement: true }), 'options.autoincrement'],
    [() => db.deleteObjectStore(), 'name'],
    [() => db.renameObjectStore('a', null), 'newName'],
    [() => db.createIndex('a', 'i'), 'on'],
    [() => db.createIndex('a', 'i', 'x', { on: 'y' }), 'options.on'],
    [() => db.createIndex('a', 'i', 'x', { signal: {} }), 'options.signal'],
    [() => db.createIndex('a', 'i', 'x', { onProgress: true }), 'options.onProgress'],
    [() => db.createIndex('a', 'i', 'x.'), 'on'],
    [() => db.deleteIndex('a'), 'name'],
    [() => db.renameIndex('a', 'byX'), 'newName'],
    [() => db.transaction(), 'fn'],
    [() => db.transaction({}, noop), 'fn'],
    [() => db.transaction(noop, { mode: 'rw' }), 'options.mode'],
    [() => db.transaction(noop, { stores: 5 }), 'options.stores'],
    [() => db.transaction(noop, { stores: ['a', 5] }), 'options.stores[1]'],
    [() => db.transaction(noop, { timeout: -1 }), 'options.timeout'],
    [() => db.transaction(noop, { durability: 'none' }), 'options.durability'],
    [() => db.transaction(noop, { mode: 'readonly', timeout: 5 }), 'options.timeout'],
    [() => db.begin({ isolation: 'serializable' }), 'options.isolation'],
    [() => db.deleteSpace(), 'name'],
    [() => db.backup(), 'path'],
    [() => db.backup('x', { space: true }), 'options.space'],
    [() => db.verify({ level: 'deep' }), 'options.level'],
    [() => db.verify({ maxFindings: -1 }), 'options.maxFindings'],
    [() => db.compact({ spaces: true }), 'options.spaces'],
    [() => a.putMany(), 'documents'],
    [() => a.putMany({ id: 1 }), 'documents'],
    [() => a.putMany('text'), 'documents'],
    [() => a.putMany([], { Atomic: true }), 'options.Atomic'],
    [() => a.putMany([], { atomic: 1 }), 'options.atomic'],
    [() => a.update(1, { $set: {} }, { multi: true }), 'options.multi'],
    [() => a.update(1, { $set: {} }, { arrayFilters: {} }), 'options.arrayFilters'],
    [() => a.update(1, { $set: {} }, { upsert: 1 }), 'options.upsert'],
    [() => a.upsert({}, { in: 'x' }), 'options.in'],
    [() => a.upsert({}, { on: 1 }), 'options.on'],
    [() => a.findOne({}, { limits: 1 }), 'options.limits'],
    [() => a.find().page({ size: 'x' }), 'options.size'],
    [() => a.find().explain({ form: 'text' }), 'options.form'],
    [() => a.getMany(5), 'keys'],
    [() => a.getMany('text'), 'keys'],
    [() => a.deleteMany(), 'keys'],
    [() => a.getAll({ gte: 1, limit: 'x' }), 'query.limit'],
    [() => a.getAll(1, 5), 'options'],
    [() => a.getAllKeys(1, { unique: true }), 'options.unique'],
    [() => byX.getAll(1, { uniqe: true }), 'options.uniqe'],
    [() => db.transaction((tx: any) => tx.savepoint()), 'fn'],
    [
      () => db.transaction((tx: any) => tx.createIndex('a', 'i', 'x', { onProgress: noop })),
      'options.onProgress',
    ],
  ]
  for (const [call, path] of cases) {
    const error = await rejects(call(), 'INVALID_ARGUMENT', { path })
    assert.match(error.message, /^[a-zA-Z]+: /)
  }
  throws(() => db.outside(), 'INVALID_ARGUMENT', { path: 'fn' })
  throws(() => a.find({}, { limt: 1 }), 'INVALID_ARGUMENT', { path: 'options.limt' })
  throws(() => a.range(1, { limt: 1 }), 'INVALID_ARGUMENT', { path: 'options.limt' })
  throws(() => a.openCursor(1, { directon: 'prev' }), 'INVALID_ARGUMENT', {
    path: 'options.directon',
  })
})

test('a message names what there is instead', async () => {
  const unknown = await rejects(anyOpen('x', { mod: 1 }), 'INVALID_ARGUMENT')
  assert.match(unknown.message, /no option 'mod' in options; there are 'mode', 'durability'/)
  const wrong = await rejects(anyOpen('x', { mode: 'w' }), 'INVALID_ARGUMENT')
  assert.match(wrong.message, /must be one of 'openOrCreate', 'create', 'open', 'readOnly'/)
  assert.doesNotMatch(wrong.message, /'w'/)
})

test('options that are undefined are not given', async (t) => {
  const db = await temporaryDatabase(t, { mode: undefined, stores: undefined } as never)
  await db.createObjectStore('a', { keyPath: undefined } as never)
  assert.equal(db.store('a').keyPath, null)
  assert.deepEqual(await db.store('a').getAll(undefined, { limit: undefined } as never), [])
  assert.deepEqual(await db.store('a').getAll(KeyRange.lowerBound(1)), [])
})

test('a bound that is there but undefined is no key, wherever bounds are taken', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { a: { keyPath: 'id', indexes: { byX: { on: 'x' } } } },
  })
  const a = db.store('a') as any
  await a.put({ id: 1, x: 1 })
  for (const name of ['gt', 'gte', 'lt', 'lte']) {
    const bounds = { [name]: undefined }
    for (const source of [a, a.index('byX')]) {
      await rejects(source.getAll(bounds), 'INVALID_KEY')
      await rejects(source.getAll(bounds, {}), 'INVALID_KEY')
      await rejects(source.getAll({ ...bounds, limit: 1 }), 'INVALID_KEY')
      await rejects(source.getAllKeys(bounds), 'INVALID_KEY')
      await rejects(source.getKey(bounds), 'INVALID_KEY')
      await rejects(source.count(bounds), 'INVALID_KEY')
      for (const method of ['range', 'keys', 'entries', 'openCursor']) {
        throws(() => source[method](bounds), 'INVALID_KEY')
      }
    }
    await rejects(a.delete(bounds), 'INVALID_KEY')
  }
  await rejects(a.getAll({ gte: 1, lt: undefined }), 'INVALID_KEY')
  assert.equal(await a.count(), 1)
  assert.equal((await a.getAll({ limit: undefined })).length, 1)
})

test('classes cannot be made by hand', () => {
  throws(() => new (KeyRange as any)(1, 2), 'INVALID_ARGUMENT')
})
