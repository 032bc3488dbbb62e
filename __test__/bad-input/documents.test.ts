import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../support/database'
import { fails } from '../support/errors'

function nested(depth: number): unknown {
  let value: unknown = 'bottom'
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { value } : [value]
  return value
}

/** What no document may be or hold. */
const NOT_CLONEABLE: [string, unknown][] = [
  ['a function', () => 1],
  ['a class', class {}],
  ['a symbol', Symbol('x')],
  ['a promise', Promise.resolve()],
  ['a WeakMap', new WeakMap()],
  ['a WeakRef', new WeakRef({})],
  ['a generator', (function* () {})()],
  ['too deep', nested(1200)],
]

test('what cannot be stored is refused, and its neighbours are written', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { autoIncrement: true } } })
  const s = db.store('s') as any
  let written = 0
  for (const [kind, value] of NOT_CLONEABLE) {
    for (const document of [value, { a: { b: [value] } }, [value], new Map([['k', value]])]) {
      const outcomes = await Promise.allSettled([s.add('before'), s.add(document), s.add('after')])
      const [before, refused, after] = outcomes
      assert.equal(before!.status, 'fulfilled')
      assert.equal(after!.status, 'fulfilled')
      assert.ok(refused!.status === 'rejected', `${kind} was stored`)
      await fails(() => Promise.reject(refused!.reason), 'DATA_CLONE')
      written += 2
      // The numbers of what was refused are not lost.
      assert.equal(after!.value, written)
    }
  }
  assert.equal(await s.count(), written)
})

test('an error names the place of what cannot be stored', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { autoIncrement: true } } })
  const error = await fails(() => db.store('s').add({ a: { list: [1, { f() {} }] } }), 'DATA_CLONE')
  assert.match(`${error.path} ${error.message}`, /a\.list.*1.*f/)
  assert.equal(error.store, 's')
})

test('what an accessor throws is thrown on, and nothing is written', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'id', autoIncrement: true } } })
  const s = db.store('s') as any
  class Mine extends Error {}
  const bad = {
    id: 1,
    get x() {
      throw new Mine()
    },
  }
  await assert.rejects(s.put(bad), Mine)
  await assert.rejects(s.putMany([{ id: 1 }, bad]), Mine)
  await assert.rejects(s.putMany([{ id: 1 }, bad], { atomic: false }), Mine)
  const badKey = {
    get id() {
      throw new Mine()
    },
  }
  await assert.rejects(s.put(badKey), Mine)
  await assert.rejects(
    db.transaction((tx) => tx.store('s').put(bad)),
    Mine,
  )
  assert.equal(await s.count(), 0)
  assert.equal(await s.add({ x: 1 }), 1)
})

test('a proxy is stored as what it shows, or what it throws is thrown on', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'id' } } })
  const s = db.store('s') as any
  assert.equal(await s.put(new Proxy({ id: 1, list: new Proxy([1, { a: 2 }], {}) }, {})), 1)
  assert.deepEqual(await s.get(1), { id: 1, list: [1, { a: 2 }] })
  const { proxy, revoke } = Proxy.revocable({ id: 2 }, {})
  revoke()
  await assert.rejects(s.put(proxy))
  await assert.rejects(s.put({ id: 3, proxy }))
  assert.equal(await s.count(), 1)
})

test('an accessor that calls back into the database does no harm', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'id' } } })
  const s = db.store('s') as any
  let inner: unknown
  let put: Promise<unknown> | undefined
  await s.put({
    id: 1,
    get twin() {
      put = s.put({ id: 2, from: 'inside' })
      inner = s.getSync(3)
      return 'x'.repeat(5000)
    },
  })
  assert.equal(inner, undefined)
  assert.equal(await put, 2)
  assert.deepEqual(await s.get(2), { id: 2, from: 'inside' })
  assert.equal((await s.get(1)).twin.length, 5000)
})

test('a source of documents that fails takes back what came before', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { autoIncrement: true } } })
  const s = db.store('s') as any
  class Mine extends Error {}
  for (const length of [3, 30_000]) {
    let closed = 0
    const failing = function* (): Generator<unknown> {
      try {
        for (let i = 0; i < length; i++) yield { i, text: 'some text to fill a slice with' }
        throw new Mine()
      } finally {
        closed++
      }
    }
    const failingLater = async function* (): AsyncGenerator<unknown> {
      yield* failing()
    }
    await assert.rejects(s.putMany(failing()), Mine)
    await assert.rejects(s.putMany(failingLater()), Mine)
    assert.equal(closed, 2)
    assert.equal(await s.count(), 0)
    // An item that cannot be stored ends the source.
    let ended = false
    const stopped = function* (): Generator<unknown> {
      try {
        for (let i = 0; i < length; i++) yield { i }
        yield () => {}
        for (;;) yield { more: true }
      } finally {
        ended = true
      }
    }
    const error = await fails(() => s.putMany(stopped()), 'DATA_CLONE')
    assert.equal(error.at, length)
    assert.ok(ended)
    assert.equal(await s.count(), 0)
  }
  assert.equal(await s.add({}), 1)
})

test('what was given is never changed', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { s: { keyPath: 'id', autoIncrement: true }, u: { keyPath: 'a.b', key: 'uuidv7' } },
  })
  const document = Object.freeze({ nested: Object.freeze({ a: 1 }), list: Object.freeze([1]) })
  const key = await db.store('s').add(document)
  assert.deepEqual(await db.store('s').get(key), { ...document, id: 1 })
  const other = Object.freeze({ a: Object.freeze({ c: 1 }) })
  const uuid = await db.store('u').add(other)
  assert.deepEqual(await db.store('u').get(uuid), { a: { c: 1, b: uuid } })
  assert.deepEqual(other, { a: { c: 1 } })
})

test('a key that cannot be put into a document is refused', async (t) => {
  const db = await temporaryDatabase(t, { stores: { s: { keyPath: 'a.b', autoIncrement: true } } })
  const s = db.store('s') as any
  for (const document of [
    { a: 5 },
    { a: null },
    { a: 'text' },
    { a: [] },
    5,
    'text',
    null,
    undefined,
    new Date(),
  ]) {
    await fails(() => s.add(document), 'INVALID_KEY', 'DATA_CLONE').catch((cause) => {
      throw new Error(`a key was put into ${String(document)}`, { cause })
    })
  }
  assert.equal(await s.count(), 0)
  assert.equal(await s.add({}), 1)
})

test('documents of every size', async (t) => {
  const db = await temporaryDatabase(t, { stores: { plain: {}, packed: { compression: 'zstd' } } })
  for (const name of ['plain', 'packed']) {
    const s = db.store(name) as any
    const sizes = [0, 1, 1000, 2000, 4096, 65_536, 1 << 20, 40 << 20]
    for (const size of sizes) await s.put({ bytes: new Uint8Array(size).fill(size & 0xff) }, size)
    for (const size of sizes) {
      const { bytes } = await s.get(size)
      assert.equal(bytes.length, size)
      assert.ok(size === 0 || bytes.every((byte: number) => byte === (size & 0xff)))
    }
    assert.equal((await s.getAll()).length, sizes.length)
    await s.clear()
  }
})

test('more than may wait at once is refused, and the rest is written', async (t) => {
  const db = await temporaryDatabase(t, { maxPendingBytes: 1 << 20, stores: { s: {} } })
  const s = db.store('s') as any
  const text = 'x'.repeat(300_000)
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) => s.put({ text }, i)),
  )
  const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  for (const { reason } of refused) await fails(() => Promise.reject(reason), 'RESOURCE_LIMIT')
  assert.ok(refused.length > 0)
  assert.equal(await s.count(), 50 - refused.length)
  await s.put('small', 'later')
})
