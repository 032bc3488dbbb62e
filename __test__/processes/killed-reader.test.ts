import assert from 'node:assert/strict'
import { test } from 'node:test'
import { both } from './peer'

const TIMES = 100

const ways: Record<string, (db: any, n: number) => Promise<unknown>> = {
  'bulk writes': (db, n) => db.store('s').putMany(documents(n)),
  transactions: (db, n) =>
    db.transaction((tx: any) => Promise.all(documents(n).map((each) => tx.store('s').put(each)))),
}

/** About half a mebibyte. */
function documents(n: number): any[] {
  return Array.from({ length: 500 }, (_, id) => ({ id, from: `time ${n}`, text: 'x'.repeat(900) }))
}

for (const [name, overwrite] of Object.entries(ways)) {
  test(`${TIMES} ${name} over all documents do not grow the file for a dead reader`, async (t) => {
    const sizes: number[] = []
    for (const dies of [false, true]) {
      const { db, other } = await both(t, { durability: 'relaxed' })
      await overwrite(db, 0)
      if (dies) {
        await other.do('snapshot')
        await other.kill()
        assert.ok((await db.stats()).readers > 0, 'the dead reader holds nothing')
      } else {
        await other.end()
      }
      for (let n = 1; n <= TIMES; n++) await overwrite(db, n)
      const { fileSize, oldestReader } = await db.stats()
      sizes.push(fileSize)
      // This thread may have read in the turn of the event loop that is under way.
      const isDead = oldestReader !== null && oldestReader.pid !== process.pid
      assert.ok(!isDead, 'the place of the dead reader is still taken')
      await db.close()
    }
    const [alone, beside] = sizes as [number, number]
    t.diagnostic(`${alone} bytes without a reader, ${beside} with one that died`)
    assert.ok(beside < alone + 4 * 1024 ** 2, `${beside} bytes, ${alone} without the reader`)
  })
}
