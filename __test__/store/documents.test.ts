import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, rejects, temporaryDatabase, throws } from '../support/database'

test('put inserts and replaces, add only inserts', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  assert.equal(await users.add({ id: 1, name: 'a' }), 1)
  assert.equal(await users.put({ id: 1, name: 'b' }), 1)
  assert.equal(await users.put({ id: 'x', name: 'c' }), 'x')
  const error = await rejects(users.add({ id: 1, name: 'd' }), 'KEY_EXISTS', {
    store: 'users',
    key: 1,
  })
  assert.equal(error.retryable, false)
  assert.deepEqual(await users.get(1), { id: 1, name: 'b' })
  assert.equal(await users.count(), 2)
})

test('get, getSync, getMany and has find what is there', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  const docs = documents(3000)
  await users.putMany(docs)
  assert.deepEqual(await users.get(7), docs[7])
  assert.equal(await users.get(3000), undefined)
  assert.deepEqual(users.getSync(7), docs[7])
  assert.equal(users.getSync('7'), undefined)
  assert.equal(await users.has(7), true)
  assert.equal(await users.has(-1), false)
  assert.deepEqual(await users.getMany([5, 'none', 3, 5]), [docs[5], undefined, docs[3], docs[5]])
  assert.deepEqual(await users.getMany([]), [])
  const keys = docs.map(({ id }) => id).toReversed()
  assert.deepEqual(await users.getMany(new Set(keys)), docs.toReversed())
})

test('documents larger than any buffer survive', async (t) => {
  const db = await temporaryDatabase(t, { stores: { blobs: {} } })
  const blobs = db.store('blobs')
  const large = new Uint8Array(5_000_000).map((_, i) => i)
  const text = 'ä'.repeat(300_000)
  await Promise.all([blobs.put(large, 'bytes'), blobs.put({ text }, 'text'), blobs.put(1, 'one')])
  assert.deepEqual(blobs.getSync('bytes'), large)
  assert.deepEqual(await blobs.getMany(['one', 'bytes', 'text']), [1, large, { text }])
  assert.deepEqual(await blobs.getAll(), [large, 1, { text }])
})

test('delete tells how many there were', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.putMany(documents(100))
  assert.equal(await users.delete(5), 1)
  assert.equal(await users.delete(5), 0)
  assert.equal(await users.delete({ gte: 10, lt: 20 }), 10)
  assert.equal(await users.delete({ gt: 1000 }), 0)
  assert.equal(await users.deleteMany([1, 2, 5, 3, 3]), 3)
  assert.equal(await users.count(), 86)
  assert.equal(await users.clear(), undefined)
  assert.equal(await users.count(), 0)
  assert.deepEqual(await users.getAll(), [])
})

test('deleteMany takes any number of keys, and none if one is not a key', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.putMany(documents(15_000))
  await rejects(users.deleteMany([1, 2, NaN]), 'INVALID_KEY', { at: 2, store: 'users' })
  const many: unknown[] = Array.from({ length: 12_000 }, (_, id) => id)
  await rejects(users.deleteMany([...many, {}] as number[]), 'INVALID_KEY', { at: 12_000 })
  assert.equal(await users.count(), 15_000)
  assert.equal(await users.deleteMany(many as number[]), 12_000)
  assert.equal(await users.getKey(), 12_000)
})

test('counts follow the writes', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.putMany(documents(10_000))
  assert.equal(await users.count(), 10_000)
  assert.equal(await users.count({ gte: 10, lt: 30 }), 20)
  assert.equal(await users.count({ gte: 10 }), 9990)
  assert.equal(await users.count(17), 1)
  assert.equal(await users.count('x'), 0)
})

test('what was written in one turn is read in the order of the calls', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {}, b: {} } })
  const [a, b] = [db.store('a'), db.store('b')]
  const results = await Promise.all([
    a.put('first', 1),
    b.put('other', 1),
    a.add('second', 1).catch((error) => error.code),
    a.delete(1),
    a.add('third', 1),
    a.clear(),
    a.put('fourth', 2),
  ])
  assert.deepEqual(results, [1, 1, 'KEY_EXISTS', 1, 1, undefined, 2])
  assert.deepEqual(await a.getAll(), ['fourth'])
  assert.deepEqual(await b.getAll(), ['other'])
})

test('a failed write costs its neighbours nothing', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { users: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } } },
  })
  const users = db.store('users')
  const outcomes = await Promise.allSettled([
    users.put({ id: 1, name: 'a' }),
    users.put({ id: 2, name: 'a' }),
    users.put({ id: 3, name: 'c', call: () => {} }),
    users.put({ name: 'no key' }),
    users.put({ id: 4, name: 'd' }),
  ])
  const codes = outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : each.value))
  assert.deepEqual(codes, [1, 'UNIQUE_VIOLATION', 'DATA_CLONE', 'INVALID_KEY', 4])
  assert.deepEqual(await users.getAllKeys(), [1, 4])
})

test('values given are never changed, and results are the caller’s own', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { generated: { keyPath: 'meta.id', autoIncrement: true }, users: {} },
  })
  const document = Object.freeze({ name: 'a', meta: Object.freeze({ kind: 'x' }) })
  const key = await db.store('generated').put(document)
  assert.deepEqual(document, { name: 'a', meta: { kind: 'x' } })
  assert.deepEqual(await db.store('generated').get(key), { name: 'a', meta: { kind: 'x', id: 1 } })

  const users = db.store('users')
  const list = [1, 2]
  const listKey = ['a', new Date(5)]
  await users.put({ list }, listKey)
  list.push(3)
  const first = users.getSync(listKey)
  first.list.push(4)
  assert.deepEqual(users.getSync(listKey), { list: [1, 2] })
})

test('blobs and files are stored with their bytes', async (t) => {
  const db = await temporaryDatabase(t, { stores: { files: { keyPath: 'id' } } })
  const files = db.store('files')
  const blob = new Blob(['hello'], { type: 'text/plain' })
  assert.equal(await files.put({ id: 1, nested: [blob, blob] }), 1)
  const { nested } = await files.get(1)
  assert.equal(await nested[0].text(), 'hello')
  assert.equal(nested[1].type, blob.type)
  const keys = await files.putMany([{ id: 2 }, { id: 3, blob }, { id: 4 }])
  assert.deepEqual(keys, [2, 3, 4])
  assert.equal(await (await files.get(3)).blob.text(), 'hello')
})

test('an accessor may write while its document is being stored', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  let inner: Promise<unknown> | undefined
  const document = {
    id: 1,
    get name() {
      inner ??= users.put({ id: 2, name: 'inner' })
      return 'outer'
    },
    last: true,
  }
  await users.put(document)
  await inner
  assert.deepEqual(await users.getAll(), [
    { id: 1, name: 'outer', last: true },
    { id: 2, name: 'inner' },
  ])
})

test('getSync throws what get rejects with', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  for (const key of [NaN, {}, null, undefined, new Date(NaN), [[{}]], 2n ** 80n]) {
    throws(() => users.getSync(key as never), 'INVALID_KEY')
    await rejects(users.get(key as never), 'INVALID_KEY')
    await rejects(users.getMany([1, key] as never), 'INVALID_KEY')
    await rejects(users.has(key as never), 'INVALID_KEY')
  }
})
