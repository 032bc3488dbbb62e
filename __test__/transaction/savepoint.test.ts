import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase, throws } from '../support/database'

const stores = { a: { keyPath: 'id' }, b: {} } as const

test('what fails in a savepoint is undone alone', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    const a = tx.store('a')
    await a.put({ id: 1 })
    const result = await tx.savepoint(async (inner) => {
      await inner.store('a').put({ id: 2 })
      return 'kept'
    })
    assert.equal(result, 'kept')
    await assert.rejects(
      tx.savepoint(async () => {
        await a.put({ id: 3 })
        await a.delete(1)
        assert.deepEqual(await a.getAllKeys(), [2, 3])
        throw new Error('undo')
      }),
      /undo/,
    )
    assert.deepEqual(await a.getAllKeys(), [1, 2])
  })
  assert.deepEqual(await db.store('a').getAllKeys(), [1, 2])
})

test('savepoints nest', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    await tx.savepoint(async (outer) => {
      await outer.store('a').put({ id: 1 })
      await assert.rejects(
        outer.savepoint(async (inner) => {
          await inner.store('a').put({ id: 2 })
          await inner.savepoint((innermost) => innermost.store('a').put({ id: 3 }))
          throw new Error('undo two')
        }),
      )
      await outer.store('a').put({ id: 4 })
    })
  })
  assert.deepEqual(await db.store('a').getAllKeys(), [1, 4])
})

test('a transaction inside a transaction is a savepoint', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  await db.transaction(async () => {
    await a.put({ id: 1 })
    await assert.rejects(
      db.transaction(async (inner) => {
        await a.put({ id: 2 })
        await inner.store('a').put({ id: 3 })
        throw new Error('undo')
      }),
    )
    const count = await db.transaction((inner) => inner.store('a').count(), {
      mode: 'readonly',
      stores: 'a',
    })
    assert.equal(count, 1)
    await db.transaction(
      async (inner) => {
        await rejects(inner.store('a').put({ id: 9 }), 'TX_READ_ONLY')
        throws(() => inner.store('b'), 'INVALID_ARGUMENT')
      },
      { mode: 'readonly', stores: ['a'] },
    )
    for (const option of ['timeout', 'idleTimeout', 'durability']) {
      const value = option === 'durability' ? 'strict' : 100
      await rejects(
        db.transaction(() => {}, { [option]: value }),
        'INVALID_ARGUMENT',
        { path: `options.${option}` },
      )
    }
  })
  await db.transaction(
    () =>
      rejects(
        db.transaction(() => {}, { stores: ['b'] }),
        'INVALID_ARGUMENT',
      ),
    { stores: ['a'] },
  )
  assert.deepEqual(await a.getAllKeys(), [1])
})

test('savepoints that are begun at once run one after the other', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  const order: string[] = []
  await db.transaction(async (tx) => {
    const work = (name: string, fails: boolean) => async () => {
      order.push(`${name} begins`)
      await a.put({ id: name })
      await new Promise((resolve) => setTimeout(resolve, 5))
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
    }
    const results = await Promise.allSettled([
      tx.savepoint(work('one', false)),
      tx.savepoint(work('two', true)),
      db.transaction(work('three', false)),
      a.put({ id: 'meanwhile' }),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
  })
  const expected = ['one', 'two', 'three'].flatMap((name) => [`${name} begins`, `${name} ends`])
  assert.deepEqual(order, expected)
  assert.deepEqual(await a.getAllKeys(), ['meanwhile', 'one', 'three'])
})

test('work outside of an open savepoint does not go down with it', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const a = db.store('a')
  await db.transaction(async (tx) => {
    let opened: () => void
    const isOpen = new Promise<void>((resolve) => {
      opened = resolve
    })
    const failing = tx.savepoint(async () => {
      await a.put({ id: 'inside' })
      opened()
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw new Error('undo')
    })
    await isOpen
    const written = a.put({ id: 'outside' })
    await assert.rejects(failing, /undo/)
    await written
  })
  assert.deepEqual(await a.getAllKeys(), ['outside'])
})

test('a savepoint that is not awaited ends before the commit', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    void tx.savepoint(async (inner) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await inner.store('a').put({ id: 1 })
    })
  })
  assert.deepEqual(await db.store('a').getAllKeys(), [1])
})

test('a savepoint ends with its function', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    const kept = await tx.savepoint(async (inner) => {
      await rejects(inner.commit(), 'INVALID_ARGUMENT')
      await rejects(inner.rollback(), 'INVALID_ARGUMENT')
      return inner
    })
    assert.equal(kept.active, false)
    throws(() => kept.store('a'), 'TX_INACTIVE')
    assert.equal(tx.active, true)
  })
})

test('savepoints of a transaction that was begun by hand', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  const tx = await db.begin()
  const a = tx.store('a')
  await assert.rejects(
    tx.savepoint(async () => {
      await a.put({ id: 1 })
      assert.equal(await db.store('a').count(), 0)
      throw new Error('undo')
    }),
    /undo/,
  )
  await tx.savepoint((inner) => inner.store('a').put({ id: 2 }))
  await tx.commit()
  assert.deepEqual(await db.store('a').getAllKeys(), [2])
})

test('a savepoint undoes changes of the schema, too', async (t) => {
  const db = await temporaryDatabase(t, { stores })
  await db.transaction(async (tx) => {
    await assert.rejects(
      tx.savepoint(async (inner) => {
        await inner.createObjectStore('c')
        await inner.store('c' as 'b').put(1, 1)
        await inner.deleteObjectStore('a')
        assert.deepEqual(inner.storeNames, ['b', 'c'])
        throw new Error('undo')
      }),
      /undo/,
    )
    assert.deepEqual(tx.storeNames, ['a', 'b'])
    await tx.store('a').put({ id: 1 })
  })
  assert.deepEqual(db.storeNames, ['a', 'b'])
})
