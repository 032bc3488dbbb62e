import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, rejects, temporaryDatabase } from '../support/database'

const stores = {
  users: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } },
  plain: {},
} as const

test('putMany writes all and tells their keys', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  assert.deepEqual(await users.putMany([]), [])
  for (const count of [1, 1000, 10_000, 10_001, 23_456]) {
    const docs = documents(count)
    assert.deepEqual(
      await users.putMany(docs),
      docs.map(({ id }) => id),
    )
    assert.equal(await users.count(), count)
  }
  assert.deepEqual(await users.get(23_455), documents(23_456)[23_455])
})

test('it takes iterables and async iterables, and asks no more than it writes', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  let given = 0
  function* some(count: number) {
    for (const document of documents(count)) {
      given++
      yield document
    }
  }
  async function* later(count: number) {
    for (const document of documents(count)) yield document
  }
  assert.equal((await users.putMany(some(2500))).length, 2500)
  assert.equal(given, 2500)
  assert.equal((await users.putMany(later(3000))).length, 3000)
  assert.equal(await users.count(), 3000)
  const { keys, errors } = await users.putMany(later(10), { atomic: false })
  assert.deepEqual([keys.length, errors], [10, []])
})

test('an atomic one leaves nothing when a document fails, wherever it stands', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await users.put({ id: 'taken', name: 'name 12777' })
  for (const count of [10, 12_500]) {
    const docs = documents(count)
    docs[count - 1]!.name = 'name 3'
    const error = await rejects(users.putMany(docs), 'UNIQUE_VIOLATION', { at: count - 1 })
    assert.equal(error.store, 'users')
    assert.equal(error.index, 'byName')
    assert.equal(await users.count(), 1)
  }
  await rejects(users.putMany(documents(13_000)), 'UNIQUE_VIOLATION', { at: 12_777 })
  const invalid = [...documents(11_000), { id: 11_000, name: () => {} }]
  await rejects(users.putMany(invalid), 'DATA_CLONE', { at: 11_000, store: 'users' })
  await rejects(users.putMany([{ id: 1 }, { name: 'x' }]), 'INVALID_KEY', { at: 1 })
  assert.equal(await users.count(), 1)
})

test('an atomic one leaves nothing when its iterable fails, and closes it', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  async function* failing() {
    yield* documents(12_500)
    throw new Error('no more')
  }
  await assert.rejects(users.putMany(failing()), /no more/)
  let closed = false
  function* endless() {
    try {
      for (let id = 0; ; id++) yield { id, name: id === 13_000 ? () => {} : `n${id}` }
    } finally {
      closed = true
    }
  }
  await rejects(users.putMany(endless()), 'DATA_CLONE', { at: 13_000 })
  assert.equal(closed, true)
  assert.equal(await users.count(), 0)
})

test('a partial one reports what failed and keeps the rest', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  const docs: object[] = documents(4000)
  docs[3] = { id: 3, name: 'name 2' }
  docs[1500] = { name: 'no key' }
  docs[3999] = { id: 3999, name: Symbol('x') }
  const { keys, errors } = await users.putMany(docs, { atomic: false })
  assert.deepEqual(
    errors.map(({ at, code }) => [at, code]),
    [
      [3, 'UNIQUE_VIOLATION'],
      [1500, 'INVALID_KEY'],
      [3999, 'DATA_CLONE'],
    ],
  )
  assert.match(errors[0]!.message, /byName/)
  assert.equal(keys.length, 4000)
  assert.deepEqual([keys[2], keys[3], keys[1500], keys[3998]], [2, undefined, undefined, 3998])
  assert.equal(await users.count(), 3997)
})

test('entries are pairs of keys and documents', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const plain = db.store('plain')
  const map = new Map(Array.from({ length: 2500 }, (_, i) => [`key ${i}`, { i }]))
  assert.deepEqual(await plain.putMany(map, { entries: true }), [...map.keys()])
  assert.deepEqual(await plain.get('key 2499'), { i: 2499 })
  await rejects(plain.putMany([[1]] as never, { entries: true }), 'INVALID_ARGUMENT')
  await rejects(plain.putMany([{ a: 1 }]), 'INVALID_KEY', { at: 0 })
  const { errors } = await plain.putMany(
    [
      [1, 'a'],
      [NaN, 'b'],
    ] as never,
    {
      entries: true,
      atomic: false,
    },
  )
  assert.deepEqual(
    errors.map(({ at, code }) => [at, code]),
    [[1, 'INVALID_KEY']],
  )
})

test('an async iterable may use the database while it is written', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  async function* readingBack() {
    for (const document of documents(12_000)) {
      if (document.id === 11_500) assert.equal((await users.get(10))?.id, 10)
      yield document
    }
  }
  await users.putMany(readingBack())
  assert.equal(await users.count(), 12_000)
})

test('inside a transaction it is a part of it', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store('users')
  await db.transaction(async (tx) => {
    await tx.store('users').putMany(documents(12_500))
    const twice = [{ id: 'a', name: 'name 1' }]
    await rejects(tx.store('users').putMany(twice), 'UNIQUE_VIOLATION', { at: 0 })
    const later = [
      ...documents(12_000).map(({ id }) => ({ id: `x${id}`, name: `x${id}` })),
      ...twice,
    ]
    await rejects(tx.store('users').putMany(later), 'UNIQUE_VIOLATION', { at: 12_000 })
    assert.equal(await tx.store('users').count(), 12_500)
    assert.equal(await users.count(), 12_500)
  })
  assert.equal(await users.count(), 12_500)
})

test('writes made before and after keep their order', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const plain = db.store('plain')
  const writes = [
    plain.put('before', 1),
    plain.putMany([[1, 'many'] as const], { entries: true, atomic: false }),
  ]
  await Promise.all(writes)
  assert.equal(await plain.get(1), 'many')
})
