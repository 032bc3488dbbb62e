import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents, rejects, temporaryDatabase, throws } from '../support/database'

const stores = { a: { keyPath: 'id' }, b: {} } as const

test('a transaction commits when its function resolves, with its result', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const result = await db.transaction(async (tx) => {
    assert.equal(tx.mode, 'readwrite')
    assert.equal(tx.active, true)
    assert.deepEqual(tx.storeNames, ['a', 'b'])
    await tx.store('a').put({ id: 1 })
    assert.deepEqual(await tx.store('a').get(1), { id: 1 })
    assert.deepEqual(await tx.store('a').getMany([2, 1]), [undefined, { id: 1 }])
    assert.equal(await tx.store('a').has(1), true)
    assert.equal(await tx.store('a').count(), 1)
    assert.equal(await tx.store('a').getKey(), 1)
    tx.store('b').put('not awaited', 'key')
    return 'done'
  })
  assert.equal(result, 'done')
  assert.equal(await db.store('b').get('key'), 'not awaited')
})

test('nothing of it is seen outside before it commits', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  await db.transaction(async (tx) => {
    await tx.store('a').put({ id: 1 })
    assert.equal(await db.outside(() => a.get(1)), undefined)
    assert.equal(
      db.outside(() => a.getSync(1)),
      undefined,
    )
  })
  assert.deepEqual(await a.get(1), { id: 1 })
})

test('it is rolled back when its function rejects or throws', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const failing = db.transaction(async (tx) => {
    await tx.store('a').put({ id: 1 })
    throw new Error('mine')
  })
  await assert.rejects(failing, { message: 'mine' })
  await assert.rejects(
    db.transaction(() => {
      throw new TypeError('at once')
    }),
    { name: 'TypeError' },
  )
  assert.equal(await db.store('a').count(), 0)
})

test('a failed operation that is caught leaves the transaction usable', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    await tx.store('a').add({ id: 1 })
    await rejects(tx.store('a').add({ id: 1 }), 'KEY_EXISTS', { store: 'a', key: 1 })
    await rejects(tx.store('a').put({ id: NaN }), 'INVALID_KEY')
    await tx.store('a').add({ id: 2 })
  })
  assert.equal(await db.store('a').count(), 2)
})

test('calls on the database join, across every kind of await', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  const helper = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    await a.put({ id: 'helper' })
  }
  const failing = db.transaction(async () => {
    await a.put({ id: 1 })
    await Promise.all([helper(), a.put({ id: 2 })])
    assert.equal(await a.count(), 3)
    assert.deepEqual(await a.getAllKeys(), [1, 2, 'helper'])
    throws(() => a.getSync(1), 'UNSUPPORTED')
    throw new Error('undo')
  })
  await assert.rejects(failing, /undo/)
  assert.equal(await a.count(), 0)
})

test('transactions of two databases do not mix', async (t) => {
  const one = await temporaryDatabase(t, { stores })
  const two = await temporaryDatabase(t, { stores })
  await assert.rejects(
    one.transaction(async () => {
      await one.store('a').put({ id: 1 })
      await two.store('a').put({ id: 1 })
      await two.transaction(async () => {
        await one.store('a').put({ id: 2 })
        await two.store('a').put({ id: 2 })
      })
      throw new Error('undo one')
    }),
    /undo one/,
  )
  assert.equal(await one.store('a').count(), 0)
  assert.equal(await two.store('a').count(), 2)
})

test('code that outlives a transaction gets TX_INACTIVE, unless it is outside', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  let later: Promise<unknown> | undefined
  let outside: Promise<unknown> | undefined
  let kept: { store(name: 'a'): typeof a } | undefined
  await db.transaction(async (tx) => {
    kept = tx
    const pause = new Promise((resolve) => setTimeout(resolve, 20))
    later = pause.then(() => a.put({ id: 'later' }))
    later.catch(() => {})
    outside = db.outside(() => pause.then(() => a.put({ id: 'outside' })))
  })
  await rejects(later!, 'TX_INACTIVE')
  assert.equal(await outside, 'outside')
  throws(() => kept!.store('a'), 'TX_INACTIVE')
  assert.deepEqual(await a.getAllKeys(), ['outside'])
})

test('only the stores it was opened for may be used', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(
    async (tx) => {
      assert.deepEqual(tx.storeNames, ['a'])
      await tx.store('a').put({ id: 1 })
      const error = throws(() => tx.store('b'), 'INVALID_ARGUMENT', { store: 'b' })
      assert.match(error.message, /'a'/)
      await db.store('a').put({ id: 2 })
      throws(() => db.store('b'), 'INVALID_ARGUMENT')
      await rejects(tx.deleteObjectStore('b'), 'INVALID_ARGUMENT')
      await rejects(tx.createObjectStore('c'), 'INVALID_ARGUMENT', { store: 'c' })
    },
    { stores: ['a'] },
  )
  const b = db.store('b')
  await db.transaction(() => rejects(b.get(1), 'INVALID_ARGUMENT'), { stores: 'a' })
  await db.transaction(() => rejects(b.get(1), 'INVALID_ARGUMENT'), {
    stores: 'a',
    mode: 'readonly',
  })
  assert.deepEqual(db.storeNames, ['a', 'b'])
})

test('a read-only transaction is a snapshot', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  await a.put({ id: 1 })
  await db.transaction(
    async (tx) => {
      assert.equal(tx.mode, 'readonly')
      await db.outside(() => a.put({ id: 2 }))
      assert.equal(await tx.store('a').count(), 1)
      assert.equal(await a.count(), 1)
      assert.equal(a.getSync(2), undefined)
      assert.deepEqual(tx.store('a').getSync(1), { id: 1 })
      await rejects(a.put({ id: 3 }), 'TX_READ_ONLY')
      await rejects(tx.store('a').putMany([{ id: 3 }]), 'TX_READ_ONLY')
      await rejects(tx.store('a').deleteMany([3]), 'TX_READ_ONLY')
      await rejects(tx.createObjectStore('c'), 'TX_READ_ONLY')
      await rejects(
        db.transaction(() => {}, { mode: 'readwrite' }),
        'TX_READ_ONLY',
      )
      await db.transaction(async (inner) => {
        assert.equal(inner.mode, 'readonly')
        await rejects(a.delete(1), 'TX_READ_ONLY')
      })
      assert.equal(await tx.savepoint(async (inner) => inner.store('a').count()), 1)
    },
    { mode: 'readonly' },
  )
  assert.equal(await a.count(), 2)
})

test('it is rolled back when it takes or waits too long', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  const idle = db.transaction(
    async (tx) => {
      await tx.store('a').put({ id: 1 })
      await wait(200)
      await tx.store('a').put({ id: 2 })
    },
    { idleTimeout: 50 },
  )
  assert.equal((await rejects(idle, 'TX_TIMEOUT')).retryable, true)
  const long = db.transaction(
    async (tx) => {
      for (let id = 0; id < 100; id++) {
        await tx.store('a').put({ id })
        await wait(5)
      }
    },
    { timeout: 100 },
  )
  await rejects(long, 'TX_TIMEOUT')
  assert.equal(await db.store('a').count(), 0)
})

test('one transaction after the other', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.store('b').put(0, 'counter')
  const increment = () =>
    db.transaction(async (tx) => {
      const value = await tx.store<number>('b').get('counter')
      await new Promise((resolve) => setImmediate(resolve))
      await tx.store('b').put(value! + 1, 'counter')
    })
  await Promise.all(Array.from({ length: 20 }, increment))
  assert.equal(await db.store('b').get('counter'), 20)
})

test('begin gives a transaction to end by hand, which other calls do not join', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const tx = await db.begin()
  await tx.store('a').put({ id: 1 })
  assert.equal(await db.store('a').get(1), undefined)
  await tx.commit()
  assert.equal(tx.active, false)
  assert.deepEqual(await db.store('a').get(1), { id: 1 })
  await rejects(tx.commit(), 'TX_INACTIVE')
  await rejects(tx.rollback(), 'TX_INACTIVE')
  throws(() => tx.store('a'), 'TX_INACTIVE')

  const undone = await db.begin()
  await undone.store('a').clear()
  await undone.rollback()
  assert.equal(await db.store('a').count(), 1)

  const readOnly = await db.begin({ mode: 'readonly' })
  assert.equal(await readOnly.store('a').count(), 1)
  await rejects(readOnly.store('a').clear(), 'TX_READ_ONLY')
  await readOnly.commit()
  await rejects(readOnly.rollback(), 'TX_INACTIVE')
})

test('begin inside a transaction would wait for itself', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(() => rejects(db.begin(), 'INVALID_ARGUMENT'))
  const reading = await db.transaction(() => db.begin({ mode: 'readonly' }))
  await reading.rollback()
})

test('await using rolls back what was not committed', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  {
    await using tx = await db.begin()
    await tx.store('a').put({ id: 1 })
  }
  {
    await using tx = await db.begin()
    await tx.store('a').put({ id: 2 })
    await tx.commit()
  }
  assert.deepEqual(await db.store('a').getAllKeys(), [2])
})

test('a function may end its transaction itself', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    await tx.store('a').put({ id: 1 })
    await tx.commit()
    throws(() => tx.store('b'), 'TX_INACTIVE')
  })
  await db.transaction(async (tx) => {
    await tx.store('a').put({ id: 2 })
    await tx.rollback()
  })
  assert.deepEqual(await db.store('a').getAllKeys(), [1])
})

test('scans and reads in it see its writes', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { users: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } } },
  })
  await db.store('users').putMany(documents(1000))
  await db.transaction(async (tx) => {
    const users = tx.store('users')
    await users.putMany(documents(3000))
    await users.delete({ lt: 10 })
    let count = 0
    for await (const { id } of users.range()) assert.equal(id, 10 + count++)
    assert.equal(count, 2990)
    assert.equal((await users.getAll()).length, 2990)
    assert.equal(await users.index('byGroup').count(3), 299)
    assert.equal(await users.index('byGroup').getKey(3), 13)
    assert.equal((await users.index('byGroup').get(3)).id, 13)
    assert.equal((await users.getMany(Array.from({ length: 2500 }, (_, i) => i))).length, 2500)
  })
})
