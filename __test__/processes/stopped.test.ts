import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soon } from '../support/check'
import { collect } from '../support/database'
import { assertCode, fails } from '../support/errors'
import { STORES, both } from './peer'
import { open } from '../../index.js'

const noSignals = process.platform === 'win32' && 'there is no SIGSTOP on Windows'

test(
  'a writer that is stopped: others are BUSY, read on, and close',
  { skip: noSignals },
  async (t) => {
    const { db, other, path } = await both(t, { busyTimeout: 400, durability: 'relaxed' })
    // A handle of its own for each way in which a write can wait.
    const second = (await open(path)) as any
    const s = db.store('s')
    await s.putMany(Array.from({ length: 2000 }, (_, id) => ({ id, from: 'before', a: id % 7 })))
    const snapshot = await db.snapshot()
    await other.do('hold')
    other.signal('SIGSTOP')
    t.after(() => other.signal('SIGCONT'))

    const writes: Record<string, () => Promise<unknown>> = {
      put: () => s.put({ id: 1, from: 'late' }),
      add: () => s.add({ id: 9001, from: 'late' }),
      delete: () => s.delete(2),
      deleteMany: () => s.deleteMany([3, 4]),
      'delete of a range': () => s.delete({ gte: 5, lt: 9 }),
      clear: () => s.clear(),
      putMany: () => s.putMany([{ id: 9002, from: 'late' }]),
      transaction: () => db.transaction((tx: any) => tx.store('s').put({ id: 9004, from: 'late' })),
      begin: () => db.begin(),
      createObjectStore: () => db.createObjectStore('late'),
      deleteObjectStore: () => db.deleteObjectStore('counters'),
      renameObjectStore: () => db.renameObjectStore('counters', 'late'),
      createIndex: () => db.createIndex('s', 'late', 'a'),
      deleteIndex: () => db.deleteIndex('s', 'byFrom'),
      'put by another handle': () => second.store('s').put({ id: 9005, from: 'late' }),
      flush: () => db.flush(),
      compact: () => db.compact(),
      open: () => open(path, { stores: { late: {} } }),
    }
    const waiting = Object.entries(writes).map(async ([name, write]) => {
      const outcome = await write().then(
        (value) => assert.fail(`${name} gave ${JSON.stringify(value)}`),
        (error: unknown) => error,
      )
      assertCode(outcome, 'BUSY')
      assert.equal(outcome.retryable, true, name)
    })
    const each = s.putMany([{ id: 9003, from: 'late' }], { atomic: false })
    // Meanwhile, everything that reads goes on: what needed the lock would be BUSY, or hang.
    assert.equal((await s.get(1)).from, 'before')
    assert.equal(await s.count(), 2000)
    assert.equal((await s.index('byFrom').getAllKeys('before')).length, 2000)
    assert.equal((await collect(s.range())).length, 2000)
    assert.equal(await snapshot.store('s').count(), 2000)
    assert.equal(
      await db.transaction((tx: any) => tx.store('s').count(), { mode: 'readonly' }),
      2000,
    )
    assert.ok((await db.stats()).readers > 0)
    await soon('the refusal of the writes', Promise.all(waiting))
    assert.deepEqual(
      (await each).errors.map(({ code }: { code: string }) => code),
      ['BUSY'],
    )

    snapshot.close()
    await soon('close', second.close())
    const late = fails(() => s.put({ id: 9006, from: 'late' }), 'BUSY', 'CLOSED')
    const closed = db.close().catch((error: unknown) => assertCode(error, 'BUSY'))
    await soon('close', Promise.all([closed, late]))

    other.signal('SIGCONT')
    await other.do('release')
    await other.do('put', { id: 9999, from: 'other' })
    const again = (await open(path, { busyTimeout: 20_000 })) as any
    assert.deepEqual(again.storeNames, Object.keys(STORES).toSorted())
    assert.deepEqual(again.store('s').indexNames, ['byFrom'])
    const expected = [...Array.from({ length: 2000 }, (_, id) => id), 9999]
    assert.deepEqual(await again.store('s').getAllKeys(), expected)
    assert.equal(
      await again.store('s').index('byFrom').count('late'),
      0,
      'a withdrawn write is there',
    )
    assert.equal(await again.store('s').put({ id: 1, from: 'after' }), 1)
    await again.close()
    await other.end()
  },
)
