import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../support/database'

/** A transaction keeps 64 MiB of changed pages in memory, and writes out what is more. */
const COUNT = 60_000
const TEXT = 'x'.repeat(2000)

function* documents(from: number, to: number): Generator<object> {
  for (let id = from; id < to; id++) yield { id, text: TEXT }
}

test('putMany writes more than a transaction keeps in memory, all or nothing', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs')
  await docs.putMany(documents(0, COUNT))
  assert.equal(await docs.count(), COUNT)
  const fails = function* (): Generator<object> {
    yield* documents(COUNT, 2 * COUNT)
    yield { id: {}, text: 'no key' }
  }
  await assert.rejects(docs.putMany(fails()), { code: 'INVALID_KEY', at: COUNT })
  assert.equal(await docs.count(), COUNT)
})

test('savepoints and small groups have room in a large transaction', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  await db.transaction(async (tx) => {
    const docs = tx.store('docs')
    for (let from = 0; from < COUNT; from += 100) {
      await docs.putMany([...documents(from, from + 100)])
      if (from % 1000 !== 0) continue
      await tx.savepoint((inner) => inner.store('docs').put({ id: from, text: 'changed' }))
    }
  })
  const docs: any = db.store('docs')
  assert.equal(await docs.count(), COUNT)
  assert.equal((await docs.get(COUNT - 1000)).text, 'changed')
})
