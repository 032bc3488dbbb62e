import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'

/*
 * `using` as it is compiled for Node.js versions that do not have it yet: the methods are called
 * under the well-known symbols, or under those that such compilers agree on.
 */
const asyncDispose: symbol = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const dispose: symbol = Symbol.dispose ?? Symbol.for('Symbol.dispose')

test('what was opened can be disposed of, in any order and more than once', async (t) => {
  const db = (await open(await temporaryDirectory(t), { stores: { s: {} } })) as any
  await db.store('s').put(1, 1)
  const all = [
    await db.begin({ mode: 'readonly' }),
    await db.snapshot(),
    db.store('s').openCursor(),
    db.store('s').range()[Symbol.asyncIterator](),
    db,
  ]
  for (const each of all) {
    await each[asyncDispose]()
    await each[asyncDispose]()
  }
  await fails(() => db.store('s').get(1), 'CLOSED')
})

test('a transaction that is disposed of is rolled back', async (t) => {
  const db = (await open(await temporaryDirectory(t), { stores: { s: {} } })) as any
  const kept = await db.begin()
  await kept.store('s').put('kept', 1)
  await kept.commit()
  await kept[asyncDispose]()
  const lost = await db.begin()
  await lost.store('s').put('lost', 2)
  await lost[asyncDispose]()
  assert.deepEqual(await db.store('s').getAllKeys(), [1])
  await db.close()
})

test('a snapshot is disposed of at once', async (t) => {
  const db = (await open(await temporaryDirectory(t), { stores: { s: {} } })) as any
  const snapshot = await db.snapshot()
  const before = (await db.stats()).readers
  snapshot[dispose]()
  assert.ok((await db.stats()).readers < before)
  await fails(() => snapshot.store('s'), 'CLOSED')
  await db.close()
})
