import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cursor } from '../../index.js'
import { documents, rejects, temporaryDatabase, throws } from '../support/database'

const stores = {
  users: {
    keyPath: 'id',
    indexes: {
      byGroup: { on: 'group' },
      down: { on: ['-group', 'name'] },
    },
  },
  plain: {},
} as const

async function filled(t: Parameters<typeof temporaryDatabase>[0], count: number) {
  const db = await temporaryDatabase(t, { stores })
  const users = db.store<ReturnType<typeof documents>[0], number>('users')
  await users.putMany(documents(count))
  return { db, users }
}

async function rest(cursor: Cursor<unknown, any, any>): Promise<unknown[]> {
  const keys = []
  while (await cursor.next()) keys.push(cursor.primaryKey)
  return keys
}

test('a cursor begins before the first row and moves to the end', async (t) => {
  const { users } = await filled(t, 3)
  const cursor = users.openCursor()
  assert.deepEqual([cursor.direction, cursor.done, cursor.key], ['next', true, undefined])
  assert.equal(await cursor.next(), true)
  assert.deepEqual([cursor.key, cursor.primaryKey, cursor.value], [0, 0, documents(3)[0]])
  assert.equal(cursor.done, false)
  assert.deepEqual(await rest(cursor), [1, 2])
  assert.deepEqual([cursor.done, cursor.value], [true, undefined])
  assert.equal(await cursor.next(), false)
  await cursor.close()
})

test('ranges and directions, over more rows than one chunk', async (t) => {
  const { users } = await filled(t, 5000)
  const ids = documents(5000).map(({ id }) => id)
  assert.deepEqual(await rest(users.openCursor()), ids)
  assert.deepEqual(await rest(users.openCursor(undefined, { direction: 'prev' })), ids.toReversed())
  assert.deepEqual(await rest(users.openCursor({ gte: 10, lt: 13 })), [10, 11, 12])
  assert.deepEqual(await rest(users.openCursor(7, { values: false })), [7])
  assert.deepEqual(await rest(users.openCursor({ gt: 9999 })), [])
})

test('unique directions visit each index key once, at its lowest primary key', async (t) => {
  const { users } = await filled(t, 2000)
  const byGroup = users.index('byGroup')
  const next = byGroup.openCursor(undefined, { direction: 'nextunique' })
  assert.deepEqual(await rest(next), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const prev = byGroup.openCursor({ gte: 4 }, { direction: 'prevunique' })
  assert.deepEqual(await rest(prev), [9, 8, 7, 6, 5, 4])
})

test('seek moves to the row at or behind a key, in both directions', async (t) => {
  const { users } = await filled(t, 3000)
  const cursor = users.openCursor({ lt: 2990 })
  assert.equal(await cursor.seek(100.5), true)
  assert.equal(cursor.key, 101)
  assert.equal(await cursor.next(), true)
  assert.equal(cursor.key, 102)
  assert.equal(await cursor.seek(2989), true)
  assert.equal(cursor.key, 2989)
  assert.equal(await cursor.next(), false)
  assert.equal(await cursor.seek(2990), false)
  assert.equal(await cursor.seek(5), true)
  assert.equal(cursor.key, 5)

  const back = users.openCursor({ gte: 10 }, { direction: 'prev' })
  assert.equal(await back.seek(20.5), true)
  assert.equal(back.key, 20)
  assert.equal(await back.seek(10), true)
  assert.equal(await back.next(), false)
  assert.equal(await back.seek(9), false)
})

test('seek in an index takes an index key and a primary key', async (t) => {
  const { users } = await filled(t, 1000)
  const cursor = users.index('byGroup').openCursor()
  assert.equal(await cursor.seek(3), true)
  assert.deepEqual([cursor.key, cursor.primaryKey], [3, 3])
  assert.equal(await cursor.seek(3, 500), true)
  assert.deepEqual([cursor.key, cursor.primaryKey], [3, 503])
  assert.equal(await cursor.seek(3, 994), true)
  assert.deepEqual([cursor.key, cursor.primaryKey], [4, 4])

  const back = users.index('byGroup').openCursor(undefined, { direction: 'prev' })
  assert.equal(await back.seek(3, 500), true)
  assert.deepEqual([back.key, back.primaryKey], [3, 493])
  assert.equal(await back.seek(3), true)
  assert.deepEqual([back.key, back.primaryKey], [3, 993])

  const unique = users.index('byGroup').openCursor(undefined, { direction: 'prevunique' })
  assert.equal(await unique.seek(6.5), true)
  assert.deepEqual([unique.key, unique.primaryKey], [6, 6])
  assert.equal(await unique.next(), true)
  assert.deepEqual([unique.key, unique.primaryKey], [5, 5])
  await rejects(unique.seek(3, 1), 'INVALID_ARGUMENT')
  await rejects(users.openCursor().seek(3, 1), 'INVALID_ARGUMENT', { path: 'primaryKey' })

  const down = users.index('down').openCursor()
  assert.equal(await down.seek([3, 'name 5']), true)
  assert.deepEqual(down.key, [3, 'name 503'])
  assert.equal(await down.seek([3]), true)
  assert.deepEqual(down.key, [3, 'name 103'])
  assert.equal(await down.seek([3, 'name 503'], 503), true)
  assert.equal(down.primaryKey, 503)
  for (const part of [[3], []]) {
    await rejects(down.seek(part, 503), 'INVALID_ARGUMENT', { path: 'primaryKey' })
  }
})

test('a cursor reads one state, whatever is written meanwhile', async (t) => {
  const { users } = await filled(t, 2000)
  const cursor = users.openCursor()
  assert.equal(await cursor.next(), true)
  await users.clear()
  assert.equal((await rest(cursor)).length, 1999)
  assert.equal(await cursor.seek(7), true)
  assert.deepEqual(cursor.value, documents(8)[7])
})

test('update and delete write at the current row', async (t) => {
  const { users } = await filled(t, 10)
  const cursor = users.openCursor()
  await rejects(cursor.update(documents(1)[0]!), 'NOT_FOUND')
  await rejects(cursor.delete(), 'NOT_FOUND')
  for await (const row of cursor) {
    if (row.key! % 2 === 0) assert.equal(await row.delete(), true)
    else assert.equal(await row.update({ ...row.value!, name: 'odd' }), row.key)
  }
  const left = await users.getAll()
  assert.deepEqual(
    left.map(({ id, name }) => [id, name]),
    [1, 3, 5, 7, 9].map((id) => [id, 'odd']),
  )
  await rejects(cursor.next(), 'CLOSED')
})

test('update keeps the primary key', async (t) => {
  const { db, users } = await filled(t, 2)
  await using cursor = users.openCursor()
  await cursor.next()
  const details = { store: 'users', key: 0 }
  await rejects(cursor.update({ id: 1, name: 'x', group: 0 }), 'KEY_IMMUTABLE', details)
  await rejects(cursor.update({ name: 'x' } as never), 'KEY_IMMUTABLE')
  assert.equal(await users.count(), 2)

  const plain = db.store('plain')
  await plain.put('old', ['key'])
  const outOfLine = plain.openCursor()
  await outOfLine.next()
  assert.deepEqual(await outOfLine.update('new'), ['key'])
  assert.equal(await plain.get(['key']), 'new')
  assert.equal(await outOfLine.delete(), true)
  assert.equal(await outOfLine.delete(), false)
})

test('inside a transaction it sees what the transaction writes', async (t) => {
  const { db } = await filled(t, 600)
  await db.transaction(async (tx) => {
    const users = tx.store<{ id: number; group: number }, number>('users')
    const cursor = users.openCursor()
    await cursor.next()
    await users.delete({ gte: 1, lt: 10 })
    await users.put({ id: 0.5, group: 0 })
    assert.equal(await cursor.next(), true)
    assert.equal(cursor.key, 0.5)
    await users.delete(0.5)
    assert.equal(await cursor.next(), true)
    assert.equal(cursor.key, 10)

    const byGroup = users.index('byGroup').openCursor()
    let visited = 0
    while (await byGroup.next()) {
      visited++
      if (byGroup.key === 0) await byGroup.update({ ...byGroup.value!, group: -1 })
    }
    assert.equal(visited, 591)
    assert.equal(await users.index('byGroup').count(-1), 60)
    const down = users.index('byGroup').openCursor(undefined, { direction: 'prevunique' })
    const groups = []
    while (await down.next()) {
      groups.push(down.key)
      await down.delete()
    }
    assert.deepEqual(groups, [9, 8, 7, 6, 5, 4, 3, 2, 1, -1])
  })
})

test('one move at a time, none after close', async (t) => {
  const { db, users } = await filled(t, 5000)
  const cursor = users.openCursor()
  const moves = await Promise.allSettled([cursor.next(), cursor.next()])
  assert.equal(moves[0].status, 'fulfilled')
  assert.equal(moves[1].status === 'rejected' && moves[1].reason.code, 'INVALID_ARGUMENT')
  await cursor.close()
  await cursor.close()
  await rejects(cursor.next(), 'CLOSED')
  await rejects(cursor.seek(1), 'CLOSED')
  await rejects(cursor.delete(), 'CLOSED')
  const stats = await db.stats()
  assert.ok(stats.readers <= 1, `${stats.readers} readers`)
  throws(() => users.openCursor(1, { direction: 'up' } as never), 'INVALID_ARGUMENT')
})
