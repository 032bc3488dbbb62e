import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertConsistent } from '../support/check'
import { rejects, temporaryDatabase } from '../support/database'

test('upsert sets fields of the document that has the primary key, or inserts it', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' }, out: {} } })
  const store = db.store('a')
  assert.deepEqual(await store.upsert({ id: 1, x: 1, y: { z: 1 } }), {
    key: 1,
    matched: 0,
    modified: 0,
    upserted: 1,
  })
  assert.deepEqual(await store.upsert({ id: 1, y: 2, 'a.b': 3 }), {
    key: 1,
    matched: 1,
    modified: 1,
  })
  assert.deepEqual(await store.upsert({ id: 1, x: 1 }), { key: 1, matched: 1, modified: 0 })
  assert.deepEqual(await store.getAll(), [{ id: 1, x: 1, y: 2, 'a.b': 3 }])
  await rejects(store.upsert({ x: 1 }), 'INVALID_KEY')
  await rejects(store.upsert({ id: 1 }, { key: 1 }), 'INVALID_ARGUMENT', { path: 'options.key' })

  const out = db.store('out')
  assert.equal((await out.upsert({ x: 1 }, { key: 'k' })).upserted, 'k')
  assert.equal((await out.upsert({ y: 1 }, { key: 'k' })).modified, 1)
  assert.deepEqual(await out.get('k'), { x: 1, y: 1 })
  await rejects(out.upsert({ y: 1 }), 'INVALID_KEY', { path: 'options.key' })
  // A value without fields takes the other one's place.
  assert.equal((await out.upsert('text', { key: 'k' })).modified, 1)
  assert.equal((await out.upsert('text', { key: 'k' })).modified, 0)
  assert.equal(await out.get('k'), 'text')
})

test('upsert finds the document by a unique index', async (t) => {
  for (const key of ['sequence', 'uuidv7', undefined] as const) {
    for (const keyPath of ['id', 'meta.id', null]) {
      const byMail = { on: 'mail', unique: true }
      const db = await temporaryDatabase(t, {
        stores: { users: { keyPath, key, indexes: { byMail } } },
      })
      const users: any = db.store('users')
      const own = key === undefined && keyPath !== null ? { id: 'k', meta: { id: 'k' } } : {}
      const options = key === undefined && keyPath === null ? { key: 'k' } : {}
      const first = await users.upsert({ ...own, mail: 'a', n: 1 }, { on: 'byMail', ...options })
      assert.deepEqual(first.key, first.upserted)
      const again = await users.upsert({ mail: 'a', m: 2 }, { on: 'byMail', ...options })
      assert.deepEqual(again, { key: first.key, matched: 1, modified: 1 })
      const same = await users.upsert({ mail: 'a', m: 2 }, { on: 'byMail', ...options })
      assert.deepEqual(same, { key: first.key, matched: 1, modified: 0 })
      const { mail, n, m } = await users.get(first.key)
      assert.deepEqual([mail, n, m], ['a', 1, 2])
      assert.equal(await users.count(), 1)
      await assertConsistent(db)
    }
  }
})

test('upsert by an index keeps primary keys apart', async (t) => {
  const indexes = {
    byMail: { on: 'mail', unique: true },
    byPair: { on: ['a', '-b'], unique: true },
    byTag: { on: 'tags', unique: true, multiEntry: true },
    byN: { on: 'n' },
  }
  const db = await temporaryDatabase(t, { stores: { users: { keyPath: 'id', indexes } } })
  const users: any = db.store('users')
  await users.putMany([
    { id: 1, mail: 'a', a: 1, b: 1 },
    { id: 2, mail: 'b', a: 1, b: 2 },
  ])
  await rejects(users.upsert({ id: 2, mail: 'a' }, { on: 'byMail' }), 'KEY_IMMUTABLE')
  await rejects(users.upsert({ id: 2, mail: 'c' }, { on: 'byMail' }), 'KEY_EXISTS', { key: 2 })
  await rejects(users.upsert({ mail: 'c' }, { on: 'byMail' }), 'INVALID_KEY')
  await rejects(users.upsert({ a: 1, b: 2, mail: 'a' }, { on: 'byPair' }), 'UNIQUE_VIOLATION')
  for (const on of ['byTag', 'byN']) {
    await rejects(users.upsert({ id: 3, n: 1, tags: [1] }, { on }), 'INVALID_ARGUMENT', {
      index: on,
    })
  }
  await rejects(users.upsert({ id: 3 }, { on: 'byNothing' }), 'INDEX_NOT_FOUND')
  assert.equal((await users.upsert({ a: 1, b: 2, n: 5 }, { on: 'byPair' })).key, 2)
  assert.equal((await users.get(2)).n, 5)
  // Documents without the field never meet.
  assert.equal((await users.upsert({ id: 3, n: 1 }, { on: 'byMail' })).upserted, 3)
  assert.equal((await users.upsert({ id: 4, mail: null }, { on: 'byMail' })).upserted, 4)
  await assertConsistent(db)
})

test('upserts of one turn meet, and belong to their transaction', async (t) => {
  const byMail = { on: 'mail', unique: true }
  const db = await temporaryDatabase(t, {
    stores: { users: { keyPath: 'id', key: 'uuidv7', indexes: { byMail } } },
  })
  const users: any = db.store('users')
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      users.upsert({ mail: `${i % 5}`, [`n${i}`]: i }, { on: 'byMail' }),
    ),
  )
  assert.equal(await users.count(), 5)
  assert.equal(results.filter(({ upserted }: any) => upserted !== undefined).length, 5)
  assert.equal(Object.keys(await users.index('byMail').get('3')).length, 2 + 10)
  await assert.rejects(
    db.transaction(async () => {
      await users.upsert({ mail: 'new' }, { on: 'byMail' })
      await users.upsert({ mail: '1', more: true }, { on: 'byMail' })
      assert.equal((await users.index('byMail').get('1')).more, true)
      throw new Error('undone')
    }),
    /undone/,
  )
  assert.equal(await users.count(), 5)
  assert.equal((await users.index('byMail').get('1')).more, undefined)
  const blob = new Blob(['x'])
  await users.upsert({ mail: '1', blob }, { on: 'byMail' })
  assert.equal(await (await users.index('byMail').get('1')).blob.text(), 'x')
  await assertConsistent(db)
})
