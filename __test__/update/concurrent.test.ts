import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { assertConsistent } from '../support/check'
import { temporaryDirectory } from '../support/database'
import { inProcess, inThread } from '../support/elsewhere'

const INCREMENTER = join(__dirname, 'incrementer.ts')

test('increments of four threads and two processes are all counted', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, {
    durability: 'none',
    stores: { counters: { indexes: { byN: { on: 'n', unique: true } } } },
  })) as any
  await db.store('counters').put({ n: 0 }, 'c')
  const times = 200
  const orders = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ path, name, times }))
  await Promise.all(orders.map((order, i) => (i < 4 ? inThread : inProcess)(INCREMENTER, order)))
  const counter = await db.store('counters').get('c')
  const by = Object.fromEntries(orders.map(({ name }) => [name, times]))
  assert.equal(counter.n, 6 * times)
  assert.deepEqual({ ...counter.by }, by)
  assert.equal(counter.last.length, 3)
  assert.equal(
    await db
      .store('counters')
      .index('byN')
      .getKey(6 * times),
    'c',
  )
  await assertConsistent(db)
  await db.close()
})
