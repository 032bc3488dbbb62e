import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { assertConsistent } from '../support/check'
import { rejects, temporaryDatabase, temporaryDirectory } from '../support/database'
import { isSealed } from '../support/sealed'

test('update tells what it found and what it changed', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  const users = db.store('users')
  await users.put({ id: 1, n: 1 })
  assert.deepEqual(await users.update(1, { $inc: { n: 1 } }), { matched: 1, modified: 1 })
  assert.deepEqual(await users.update(1, { $set: { n: 2 } }), { matched: 1, modified: 0 })
  assert.deepEqual(await users.update(2, { $set: { n: 2 } }), { matched: 0, modified: 0 })
  assert.deepEqual(await users.getAll(), [{ id: 1, n: 2 }])
  await rejects(users.update(NaN as number, { $set: { n: 2 } }), 'INVALID_KEY')
  await rejects(users.update(undefined as any, { $set: { n: 2 } }), 'INVALID_KEY')
})

test('a document that does not change is not written', async (t) => {
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id' } } })
  await db.store('users').put({ id: 1, tags: ['a'] })
  const { lastTransactionId } = await db.stats()
  await db.store('users').update(1, { $addToSet: { tags: 'a' }, $max: { id: 0 } })
  assert.equal((await db.stats()).lastTransactionId, lastTransactionId)
})

test('the primary key cannot be changed', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { a: { keyPath: 'id' }, b: { keyPath: 'x.y' }, c: { keyPath: ['p', 'q'] } },
  })
  await db.store('a').put({ id: 1 })
  await db.store('b').put({ x: { y: 'k' }, z: 'k' })
  await db.store('c').put({ p: 1, q: 2 })
  const changes: [store: string, key: any, update: object][] = [
    ['a', 1, { $set: { id: 2 } }],
    ['a', 1, { $unset: { id: '' } }],
    ['a', 1, { $rename: { id: 'x' } }],
    ['a', 1, { $set: { id: { x: 1 } } }],
    ['b', 'k', { $set: { x: 1 } }],
    ['b', 'k', { $set: { 'x.y': 'l' } }],
    ['c', [1, 2], { $inc: { q: 1 } }],
    ['c', [1, 2], { $rename: { p: 'q' } }],
  ]
  for (const [store, key, update] of changes) {
    const error = await rejects(db.store(store).update(key, update), 'KEY_IMMUTABLE', {
      store,
      key,
    })
    assert.match(error.message, /delete the document/)
  }
  // Setting it to what it is changes nothing; 1n is the same key.
  const set = { $set: { id: 1n, n: 1 } }
  assert.deepEqual(await db.store('a').update(1, set), { matched: 1, modified: 1 })
  const rename = { $rename: { z: 'x.y' } }
  assert.deepEqual(await db.store('b').update('k', rename), { matched: 1, modified: 1 })
  assert.deepEqual(await db.store('b').getAll(), [{ x: { y: 'k' } }])
})

test('upsert inserts a document that has its key', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { a: { keyPath: 'id', autoIncrement: true }, b: { keyPath: ['x.y', 'z'] }, c: {} },
  })
  const update = { $inc: { n: 1 }, $setOnInsert: { created: true }, $unset: { gone: '' } }
  const upsert = (store: string, key: any) => db.store(store).update(key, update, { upsert: true })
  assert.deepEqual(await upsert('a', 7), { matched: 0, modified: 0, upserted: 7 })
  assert.deepEqual(await upsert('a', 7), { matched: 1, modified: 1 })
  assert.deepEqual(await db.store('a').getAll(), [{ id: 7, created: true, n: 2 }])
  assert.equal(await db.store('a').add({}), 8)
  assert.deepEqual((await upsert('b', ['k', 5])).upserted, ['k', 5])
  assert.deepEqual(await db.store('b').getAll(), [{ x: { y: 'k' }, z: 5, created: true, n: 1 }])
  const date = new Date(9)
  assert.deepEqual((await upsert('c', date)).upserted, date)
  assert.deepEqual(await db.store('c').get(date), { created: true, n: 1 })
  await rejects(db.store('a').update(9, { $set: { id: 10 } }, { upsert: true }), 'KEY_IMMUTABLE')
  await rejects(db.store('b').update(9, update, { upsert: true }), 'INVALID_KEY')
  assert.equal(await db.store('a').count(), 2)
})

test('indexes follow, and their unique rule holds', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: {
      users: {
        keyPath: 'id',
        indexes: {
          byMail: { on: 'mail', unique: true },
          byTag: { on: 'tags', multiEntry: true },
          byAge: { on: ['city', '-age'] },
        },
      },
    },
  })
  const users = db.store('users')
  await users.putMany([
    { id: 1, mail: 'a', tags: ['x'], city: 'p', age: 1 },
    { id: 2, mail: 'b', tags: ['x', 'y'], city: 'p', age: 2 },
  ])
  await rejects(users.update(2, { $set: { mail: 'a' } }), 'UNIQUE_VIOLATION', { index: 'byMail' })
  await Promise.all([
    users.update(1, { $push: { tags: 'z' }, $inc: { age: 5 } }),
    users.update(2, { $pull: { tags: 'x' }, $set: { mail: 'c' } }),
    users.update(3, { $set: { mail: 'b', tags: ['n'] } }, { upsert: true }),
  ])
  assert.deepEqual(await users.index('byTag').getAllKeys('x'), [1])
  assert.deepEqual(await users.index('byTag').getAllKeys('z'), [1])
  assert.deepEqual(await users.index('byAge').getAllKeys(['p']), [1, 2])
  assert.equal(await users.index('byMail').getKey('b'), 3)
  await assertConsistent(db)
})

test('a refused update leaves those beside it alone', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  const store = db.store('a')
  await store.put({ n: 'x' }, 1)
  const results = await Promise.allSettled([
    store.update(1, { $set: { a: 1 } }),
    store.update(1, { $inc: { n: 1 } }),
    store.update(1, { $set: { b: 1 } }),
    store.update(1, { $foo: { b: 1 } }),
    store.put({ n: 2 }, 2),
    store.update(2, { $inc: { n: 1 } }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(await store.getAll(), [{ n: 'x', a: 1, b: 1 }, { n: 3 }])
})

test('updates belong to their transaction', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const store = db.store('a')
  await store.put({ id: 1, n: 1 })
  await db.transaction(async (tx) => {
    await tx.store('a').update(1, { $inc: { n: 1 } })
    assert.equal((await tx.store('a').get(1)).n, 2)
    await tx
      .savepoint(async () => {
        await store.update(1, { $inc: { n: 10 }, $set: { more: { fields: 1 } } })
        assert.equal((await store.get(1)).n, 12)
        throw new Error('undone')
      })
      .catch(() => {})
    await store.update(1, { $inc: { n: 1 } })
  })
  assert.deepEqual(await store.getAll(), [{ id: 1, n: 3 }])
  await rejects(
    db.transaction((tx) => tx.store('a').update(1, { $set: { n: 1 } }), { mode: 'readonly' }),
    'TX_READ_ONLY',
  )
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.store('a').update(1, { $set: { n: 1 } })
      throw new Error('no')
    }),
    /no/,
  )
  assert.deepEqual(await store.getAll(), [{ id: 1, n: 3 }])
})

test('blobs can be set', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  await db.store('a').put({}, 1)
  await db.store('a').update(1, { $set: { blob: new Blob(['text'], { type: 'image/x-test' }) } })
  const { blob } = await db.store('a').get(1)
  assert.equal(await blob.text(), 'text')
  assert.equal(blob.type, 'image/x-test')
})

test('code of the user that runs meanwhile does not get in the way', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  const store = db.store('a')
  await store.put({ n: 1 }, 1)
  let inner: Promise<unknown> | undefined
  const update = {
    $set: {
      get x() {
        inner = store.update(1, { $inc: { n: 1 } })
        return 5
      },
    },
  }
  await store.update(1, update)
  await inner
  assert.deepEqual(await store.get(1), { n: 2, x: 5 })
  await assert.rejects(
    store.update(1, {
      get $set(): object {
        throw new Error('mine')
      },
    }),
    /mine/,
  )
  assert.deepEqual(await store.get(1), { n: 2, x: 5 })
})

test('documents that get new fields do not repeat their names for ever', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { durability: 'none', stores: { a: { keyPath: 'id' } } })) as any
  const name = 'a rather long name of a field that is new'
  const count = 2000
  await db.store('a').putMany(Array.from({ length: count }, (_, id) => ({ id, inner: { id } })))
  const update = (id: number) =>
    db.store('a').update(id, { $set: { [name]: id, 'inner.also': { [name]: id } } })
  for (let id = 0; id < count; id += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => update(id + i)))
  }
  const expected = (id: number) => ({ id, inner: { id, also: { [name]: id } }, [name]: id })
  assert.deepEqual(
    await db.store('a').getAll(),
    Array.from({ length: count }, (_, id) => expected(id)),
  )
  // Another handle, and a process that opens the database anew, know the shapes, too.
  const other = (await open(path)) as any
  assert.deepEqual(await other.store('a').get(count - 1), expected(count - 1))
  await other.store('a').update(1, { $set: { [name]: 'x' } })
  assert.equal((await db.store('a').get(1))[name], 'x')
  await other.close()
  await db.compact()
  const { fileSize } = await db.stats()
  await db.close()
  // Each document would have it twice. Blocks are copied as they are, some of them half empty.
  if (!isSealed) assert.ok(fileSize < 1.5 * count * name.length, `${fileSize} bytes`)
})

test('transactions use shapes that are known, and make none', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const store = db.store('a')
  await store.putMany(Array.from({ length: 100 }, (_, id) => ({ id })))
  await db.transaction(async (tx) => {
    for (let id = 0; id < 100; id++) {
      await tx.store('a').update(id, { $set: { added: { deep: id } } })
      assert.deepEqual(await tx.store('a').get(id), { id, added: { deep: id } })
    }
  })
  assert.deepEqual(await store.get(99), { id: 99, added: { deep: 99 } })
})
