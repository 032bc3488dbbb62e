import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { temporaryDatabase } from '../support/database'
import { collectGarbage } from '../support/runtime'

const ambient: { isCarried(): boolean } = require('../../lib/ambient')

/** Collects garbage until a condition holds. */
async function collected(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 50 && !condition(); i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return condition()
}

test('the storage is disabled when no code carries a transaction any more', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  assert.equal(ambient.isCarried(), false)
  await db.transaction(async (tx) => {
    assert.equal(ambient.isCarried(), true)
    await tx.store('a').put(1, 1)
  })
  assert.ok(await collected(() => !ambient.isCarried()))
  await db.transaction(() => db.store('a').put(2, 2))
  assert.ok(await collected(() => !ambient.isCarried()))
  assert.equal(await db.store('a').count(), 2)
})

test('it stays enabled while a timer carries one', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  let outcome: Promise<unknown> | undefined
  await db.transaction(async () => {
    const pause = new Promise((resolve) => setTimeout(resolve, 100))
    outcome = pause.then(() => db.store('a').put(1, 1)).catch((error) => error.code)
  })
  collectGarbage()
  assert.equal(await outcome, 'TX_INACTIVE')
  outcome = undefined
  assert.ok(await collected(() => !ambient.isCarried()))
})

test('storage of others is left alone', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: {} } })
  const own = new AsyncLocalStorage<string>()
  await own.run('mine', async () => {
    await db.transaction(async () => {
      await db.store('a').put(1, 1)
      assert.equal(own.getStore(), 'mine')
    })
    await collected(() => !ambient.isCarried())
    await db.store('a').get(1)
    assert.equal(own.getStore(), 'mine')
  })
})
