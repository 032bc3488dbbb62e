// Writes that are acknowledged before their commit, in a file that has to grow under them.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { ENCRYPTION } from './killed'

const WRITES = 2_500
const KEYS = 2_000

for (const isSealed of [false, true]) {
  const what = isSealed ? 'an encrypted database' : 'a database'

  test(`${what} has all that was acknowledged while it grew`, async (t) => {
    const random = new Random(seed)
    const path = join(await temporaryDirectory(t), 'db')
    const unlocking = isSealed ? { encryption: ENCRYPTION } : {}
    const stores = { docs: { keyPath: 'id', indexes: { byNumber: { on: 'number' } } } }
    let db: any = await open(path, { ...unlocking, stores, mapSize: 1 << 20 })
    const model = new Map<number, unknown>()
    const replay = `LODESTORE_SEED=${seed}`
    for (let i = 0; i < WRITES; i++) {
      const id = random.below(KEYS)
      if (i % 50 === 49) {
        model.delete(id)
        await db.store('docs').delete(id)
        continue
      }
      // A few are too large for a page.
      const length = random.below(random.below(40) === 0 ? 9_000 : 1_500)
      const doc = { id, number: random.below(100), text: 'x'.repeat(length) }
      model.set(id, doc)
      await db.store('docs').put(doc)
    }
    for (let i = 0; i < 2; i++) {
      const found = await db.store('docs').getAll()
      assert.equal(found.length, model.size, replay)
      for (const doc of found) assert.deepEqual(doc, model.get(doc.id), replay)
      assert.deepEqual((await db.verify({ level: 'full' })).findings, [], replay)
      await db.close()
      if (i === 0) db = await open(path, unlocking)
    }
  })
}
