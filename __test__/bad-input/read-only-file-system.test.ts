import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { fails } from '../support/errors'
import { mountMemory, noMounts, remount } from '../support/mount'

test('a read-only file system', { skip: noMounts() }, async (t) => {
  const directory = mountMemory(t, '8m')
  const path = join(directory, 'db')
  const writable = await open(path, {
    stores: { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } },
  })
  await writable.store('s').putMany(Array.from({ length: 500 }, (_, id) => ({ id, a: id % 7 })))
  const inner = await open(path, { space: 'inner', stores: { s: {} } })
  await inner.store('s').put('in a space', 1)
  await inner.close()
  await writable.close()
  remount(directory, 'ro')

  await t.test('a database there can be read with mode readOnly', async () => {
    const db = await open(path, { mode: 'readOnly' })
    const store = db.store('s')
    assert.equal(await store.count(), 500)
    assert.deepEqual(await store.get(8), { id: 8, a: 1 })
    assert.equal(await store.index('byA').count(3), 71)
    assert.equal((await store.getAll()).length, 500)
    const snapshot = await db.snapshot()
    assert.equal(await snapshot.store('s').count(), 500)
    snapshot.close()
    await fails(() => store.put({ id: 1 }), 'TX_READ_ONLY')
    await fails(() => store.clear(), 'TX_READ_ONLY')
    await fails(() => db.createObjectStore('t'), 'TX_READ_ONLY')
    await fails(() => db.transaction(() => {}), 'TX_READ_ONLY')
    assert.deepEqual(await db.spaces(), ['inner'])
    await db.close()
  })

  await t.test('and so can its spaces', async () => {
    const space = await open(path, { mode: 'readOnly', space: 'inner' })
    assert.equal(await space.store('s').get(1), 'in a space')
    await space.close()
    await fails(() => open(path, { mode: 'readOnly', space: 'other' }), 'DATABASE_NOT_FOUND')
  })

  await t.test('every other mode says what to do', async () => {
    for (const mode of ['openOrCreate', 'open'] as const) {
      const error = await fails(() => open(path, { mode }), 'PERMISSION')
      assert.match(error.message, /readOnly|read-only/i)
    }
    await fails(() => open(join(directory, 'new')), 'PERMISSION')
  })

  await t.test('it can be written again when the file system can', async () => {
    remount(directory, 'rw')
    const db = await open(path)
    await db.store('s').put({ id: 1000 })
    assert.equal(await db.store('s').count(), 501)
    await db.close()
  })
})
