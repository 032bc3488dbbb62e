// Keyset pages: the cost of a page does not grow with what is before it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../support/database'
import { PAGINGS, STORES, postAt, walkPages, type Cost } from './deep-pages'

const COUNT = 20_000
const SIZE = 50

for (const { name, query } of PAGINGS) {
  test(`${name}: a page costs the same wherever it is`, async (t) => {
    const db = await temporaryDatabase(t, { durability: 'none', stores: STORES })
    const store: any = db.store('posts')
    await store.putMany(Array.from({ length: COUNT }, (_, i) => postAt(i)))
    const asked = query(store)
    const costs: Cost[] = []
    const items = await walkPages(asked, SIZE, Infinity, (cost) => costs.push(cost))
    assert.equal(items, await asked.count())
    assert.equal(costs.length, Math.ceil(items / SIZE))
    // A page looks one document further, to tell whether there are more.
    for (const { page, keys, docs } of costs) {
      assert.ok(keys <= SIZE + 16 && docs <= 2 * (SIZE + 1), `page ${page}: ${keys}, ${docs}`)
    }
    const { keys, docs } = costs[0]!
    for (const cost of costs.slice(0, -1)) {
      assert.deepEqual([cost.keys, cost.docs], [keys, docs], `page ${cost.page}`)
    }
  })
}

test('what an offset passes over is looked at', async (t) => {
  const db = await temporaryDatabase(t, { durability: 'none', stores: STORES })
  const store: any = db.store('posts')
  await store.putMany(Array.from({ length: 2000 }, (_, i) => postAt(i)))
  const { examinedKeys } = await store.find().sort('score').skip(1900).limit(SIZE).explain()
  assert.ok(examinedKeys >= 1900 + SIZE)
})
