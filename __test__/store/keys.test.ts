import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDatabase, temporaryDirectory } from '../support/database'

test('in-line keys of every type come back as they are stored', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'a.key' } } })
  const docs = db.store('docs')
  const keys = [-0.5, 0, 7n, 2n ** 63n + 1n, new Date(3), 'text', '', '\ud800', [1, ['x']]]
  for (const key of keys) {
    const stored = typeof key === 'bigint' && key === 7n ? 7 : key
    assert.deepEqual(await docs.put({ a: { key } }), stored)
    assert.deepEqual(await docs.get(key as never), { a: { key } })
  }
  const bytes = new Uint8Array([1, 2, 3])
  assert.deepEqual(await docs.put({ a: { key: bytes } }), bytes.buffer)
  assert.deepEqual(await docs.get(bytes), { a: { key: bytes } })
  assert.equal(Object.is(await docs.put({ a: { key: -0 } }), 0), true)
})

test('in-line keys may come from accessors and class instances', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  let calls = 0
  const document = {
    get id() {
      return ++calls
    },
  }
  assert.equal(await db.store('docs').put(document), 1)
  assert.equal(calls, 1)
  class User {
    name = 'a'
    constructor(public id: string) {}
  }
  assert.equal(await db.store('docs').put(new User('key')), 'key')
  assert.deepEqual(await db.store('docs').get('key'), { name: 'a', id: 'key' })
})

test('compound in-line keys are arrays', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: ['a', 'b.c'] } } })
  const docs = db.store('docs')
  assert.deepEqual(docs.keyPath, ['a', 'b.c'])
  assert.deepEqual(await docs.put({ a: 1, b: { c: 'x' } }), [1, 'x'])
  assert.deepEqual(await docs.get([1, 'x']), { a: 1, b: { c: 'x' } })
  await rejects(docs.put({ a: 1, b: {} }), 'INVALID_KEY', { store: 'docs' })
})

test('what cannot be an in-line key is refused', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs')
  const values = [{}, { id: undefined }, { id: null }, { id: true }, { id: NaN }, { id: {} }]
  for (const value of [...values, 5, 'text', null, [1]]) {
    await rejects(docs.put(value), 'INVALID_KEY', { store: 'docs' })
  }
  await rejects(docs.put({ id: 1 }, 1), 'INVALID_ARGUMENT', { path: 'key' })
  assert.equal(await docs.count(), 0)
})

test('out-of-line keys are given beside the document', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: {} } })
  const docs = db.store('docs')
  assert.equal(docs.keyPath, null)
  assert.equal(await docs.put('value', -0), 0)
  assert.equal(await docs.put('value', 5n), 5)
  assert.deepEqual(await docs.put('value', new Date(9)), new Date(9))
  assert.deepEqual(await docs.add({ any: 'thing' }, ['a', [1]]), ['a', [1]])
  assert.deepEqual(await docs.get(['a', [1]]), { any: 'thing' })
  await rejects(docs.put('value'), 'INVALID_KEY', { store: 'docs', path: 'key' })
  await rejects(docs.put('value', NaN), 'INVALID_KEY', { store: 'docs' })
  await rejects(docs.add('value', 0), 'KEY_EXISTS', { key: 0 })
})

test('the key generator counts on from the largest number, also after reopening', async (t) => {
  const path = await temporaryDirectory(t)
  const stores = {
    inLine: { keyPath: 'id', autoIncrement: true },
    outOfLine: { key: 'sequence' },
  } as const
  const db = await open(path, { stores })
  const inLine = db.store('inLine')
  assert.equal(inLine.autoIncrement, true)
  assert.equal(await inLine.add({ name: 'a' }), 1)
  assert.equal(await inLine.put({ id: 10, name: 'b' }), 10)
  assert.equal(await inLine.put({ id: 'text' as never, name: 'c' }), 'text')
  assert.deepEqual(await inLine.putMany([{}, { id: 20.5 }, { id: undefined }]), [11, 20.5, 21])
  assert.deepEqual(await inLine.get(21), { id: 21 })
  await inLine.clear()
  assert.equal(await inLine.add({ name: 'd' }), 22)

  const outOfLine = db.store('outOfLine')
  assert.deepEqual(await Promise.all([outOfLine.put('a'), outOfLine.put('b')]), [1, 2])
  assert.equal(await outOfLine.put('c', 100), 100)
  await db.close()

  const again = await open(path, { stores })
  t.after(() => again.close())
  assert.equal(await again.store('outOfLine').put('d'), 101)
  assert.equal(await again.store('inLine').put({}), 23)
})

test('a key is generated where the path leads, if it can be', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { docs: { keyPath: 'a.b.id', autoIncrement: true } },
  })
  const docs = db.store('docs')
  assert.equal(await docs.put({}), 1)
  assert.deepEqual(await docs.get(1), { a: { b: { id: 1 } } })
  assert.equal(await docs.put({ a: { x: 1 } }), 2)
  assert.deepEqual(await docs.get(2), { a: { x: 1, b: { id: 2 } } })
  await rejects(docs.put({ a: 5 }), 'INVALID_KEY')
  await rejects(docs.put('text'), 'INVALID_KEY')
})

test('uuidv7 keys ascend, in line and beside the documents, also after reopening', async (t) => {
  const path = await temporaryDirectory(t)
  const stores = { inLine: { keyPath: 'id', key: 'uuidv7' }, outOfLine: { key: 'uuidv7' } } as const
  const db = await open(path, { stores })
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const keys = await db.store('inLine').putMany(Array.from({ length: 5000 }, () => ({})))
  for (const [i, key] of keys.entries()) {
    assert.match(key, uuid)
    assert.ok(i === 0 || key > keys[i - 1]!)
  }
  assert.deepEqual(await db.store('inLine').get(keys[7]!), { id: keys[7] })
  assert.equal(await db.store('inLine').put({ id: 'own' }), 'own')
  await db.close()

  const again = await open(path)
  t.after(() => again.close())
  assert.match((await again.store('outOfLine').put('value')) as string, uuid)
  assert.match((await again.store('inLine').put({})) as string, uuid)
})
