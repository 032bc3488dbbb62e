import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRange, compareKeys } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { fails } from '../support/errors'

const cycle: unknown[] = []
cycle.push([cycle])

let deep: unknown[] = [1]
for (let i = 0; i < 1500; i++) deep = [deep]

const detached = new ArrayBuffer(8)
structuredClone(detached, { transfer: [detached] })

/** Everything that is not a key of a store. */
const NOT_KEYS: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', NaN],
  ['an object', {}],
  ['an object without a prototype', Object.create(null)],
  ['a Map', new Map()],
  ['a RegExp', /x/],
  ['an Error', new Error('x')],
  ['a function', () => 1],
  ['a class', class {}],
  ['a symbol', Symbol('x')],
  ['a promise', Promise.resolve(1)],
  ['an invalid date', new Date(NaN)],
  ['a BigInt that is too large', 2n ** 64n],
  ['a BigInt that is too small', -(2n ** 63n) - 1n],
  ['a boxed number', Object(1)],
  ['a boxed string', Object('x')],
  // oxlint-disable-next-line no-sparse-arrays -- holes are the point
  ['an array with a hole', [1, , 3]],
  ['an array with NaN', [1, [NaN]]],
  ['an array with null', [null]],
  ['an array with undefined', [undefined]],
  ['an array with an object', [[{}]]],
  ['an array in itself', cycle],
  ['an array that is too deep', deep],
  ['a detached buffer', detached],
  ['shared memory', new Uint8Array(new SharedArrayBuffer(4))],
  ['a proxy of an array', new Proxy([1], {})],
  ['a proxy of a date', new Proxy(new Date(), {})],
  ['arguments', (function () { return arguments })()], // prettier-ignore
]

/** What a range in an index admits besides. */
const IN_INDEX = new Set(['null', 'true', 'false', 'an array with null'])
/** What asks for everything, or for a range. */
const NO_KEY_AS_QUERY = new Set([
  'undefined',
  'an object',
  'an object without a prototype',
  'arguments',
])

test('every way in refuses what is not a key, and nothing is written', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: {
      out: {},
      line: { keyPath: 'id', indexes: { byA: { on: 'a' } } },
      pair: { keyPath: ['a', 'b'] },
    },
  })
  const [out, line, pair] = ['out', 'line', 'pair'].map((name) => db.store(name) as any)
  await out.put('kept', 1)
  await line.put({ id: 1, a: 1 })
  const calls: [string, (key: any) => unknown][] = [
    ['put', (key) => out.put('x', key)],
    ['add', (key) => out.add('x', key)],
    ['putMany', (key) => out.putMany([[2, 'x'], [key, 'x']], { entries: true })], // prettier-ignore
    ['get', (key) => out.get(key)],
    ['getSync', async (key) => out.getSync(key)],
    ['getMany', (key) => out.getMany([1, key])],
    ['has', (key) => out.has(key)],
    ['delete', (key) => out.delete(key)],
    ['deleteMany', (key) => out.deleteMany([1, key])],
    ['count', (key) => out.count(key)],
    ['getAll', (key) => out.getAll(key)],
    ['getKey', (key) => out.getKey(key)],
    ['range', async (key) => out.range(key).toArray()],
    ['lower bound', (key) => out.count({ gte: key })],
    ['upper bound', (key) => out.count({ lt: key })],
    ['openCursor', async (key) => out.openCursor(key).next()],
    ['seek', async (key) => out.openCursor().seek(key)],
    ['index.get', (key) => line.index('byA').get(key)],
    ['index.getAll', (key) => line.index('byA').getAll(key)],
    ['index.seek', async (key) => line.index('byA').openCursor().seek(key)],
    ['KeyRange.only', async (key) => KeyRange.only(key)],
    ['KeyRange.lowerBound', async (key) => KeyRange.lowerBound(key)],
    ['KeyRange.upperBound', async (key) => KeyRange.upperBound(key)],
    ['KeyRange.bound', async (key) => KeyRange.bound(1, key)],
    ['KeyRange.includes', async (key) => KeyRange.only(1).includes(key)],
    ['compareKeys', async (key) => compareKeys(1, key)],
    ['transaction put', (key) => db.transaction((tx) => tx.store('out').put('x', key))],
    ['transaction get', (key) => db.transaction((tx) => tx.store('out').get(key))],
  ]
  const takesQuery = /^(delete|count|getAll|getKey|range|openCursor|index\.get(All)?)$/
  for (const [name, call] of calls) {
    for (const [kind, key] of NOT_KEYS) {
      if (name.startsWith('index') && IN_INDEX.has(kind)) continue
      if (takesQuery.test(name) && NO_KEY_AS_QUERY.has(kind)) continue
      const error = await fails(() => call(key), 'INVALID_KEY').catch((cause) => {
        throw new Error(`${name} of ${kind}`, { cause })
      })
      assert.ok(error.message.length < 300, `${name} of ${kind}: ${error.message}`)
    }
  }
  for (const [kind, key] of NOT_KEYS) {
    // In a document a proxy is what it shows.
    if (kind === 'a proxy of an array') continue
    const codes = ['INVALID_KEY', 'DATA_CLONE']
    await fails(() => line.put({ id: key, a: 2 }), ...codes).catch((cause) => {
      throw new Error(`in-line ${kind}`, { cause })
    })
    await fails(() => pair.put({ a: 1, b: key }), ...codes)
  }
  assert.deepEqual(await out.entries().toArray(), [{ key: 1, primaryKey: 1, value: 'kept' }])
  assert.deepEqual(await line.getAll(), [{ id: 1, a: 1 }])
  assert.equal(await pair.count(), 0)
})

test('an accessor that throws while a key is read does no harm', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: {} } })
  const s = db.store('s') as any
  class Mine extends Error {}
  const key = Object.defineProperty([1], 0, {
    get() {
      throw new Mine()
    },
  })
  const both = Promise.allSettled([s.put('before', 1), s.put('x', key), s.put('after', 2)])
  const [before, thrown, after] = await both
  assert.equal(before!.status, 'fulfilled')
  assert.ok(thrown!.status === 'rejected' && thrown!.reason instanceof Mine)
  assert.equal(after!.status, 'fulfilled')
  await assert.rejects(s.get(key), Mine)
  assert.deepEqual(await s.getAll(), ['before', 'after'])
})

test('an accessor in a key that calls back into the database gets what it asks for', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: {} } })
  const s = db.store('s') as any
  await s.put('first', 1)
  let inner: unknown
  let put: Promise<unknown> | undefined
  const key = Object.defineProperty([0], 0, {
    get() {
      inner = s.getSync(1)
      put = s.put('from inside', 2)
      return 3
    },
  })
  await s.put('outer', key)
  assert.equal(inner, 'first')
  assert.equal(await put, 2)
  assert.deepEqual(await s.getAllKeys(), [1, 2, [3]])
})

test('keys of every length are kept apart', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { indexes: { whole: { on: 'key' } } } } })
  const s = db.store('s') as any
  const lengths = [0, 1, 500, 1890, 1895, 1899, 1900, 1901, 1999, 4000, 70_000, 300_000]
  const keys = lengths.flatMap((n) => ['', 'a', 'b'].map((end) => 'x'.repeat(n) + end))
  const unique = [...new Set(keys)].toSorted()
  await s.putMany(
    unique.map((key) => [key, { key }]),
    { entries: true },
  )
  assert.deepEqual(await s.getAllKeys(), unique)
  assert.deepEqual(await s.index('whole').getAllKeys(), unique)
  for (const key of unique) assert.equal((await s.get(key)).key, key)
  assert.equal(await s.deleteMany(unique), unique.length)
  assert.equal(await s.count(), 0)
  assert.equal(await s.index('whole').count(), 0)
})

test('a key above the limit is refused', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: {} } })
  const s = db.store('s') as any
  const error = await fails(() => s.put(1, new Uint8Array((64 << 20) + 1)), 'INVALID_KEY')
  assert.match(error.message, /64 MiB/)
  assert.equal(await s.count(), 0)
})
