import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { startPeers } from './peers'
import { completed, openDatabase, resultOf } from './requests'

const TIMES = 50
/** What each of them does at once, the stores of transactions. */
const CASES: Record<string, string[]> = {
  'one after another': ['s'],
  'several at once in one store': ['s', 's', 's'],
  'several at once in two stores': ['s', 't', 's', 't'],
}

for (const [name, stores] of Object.entries(CASES)) {
  test(`threads and processes lose no increment, ${name}`, async (t) => {
    const path = await temporaryDirectory(t)
    const kinds = ['thread', 'thread', 'thread', 'thread', 'process', 'process'] as const
    const peers = await startPeers(t, path, ...kinds)
    for (const peer of peers) await peer.do('open', 'db', 1, { upgrade: 'two' })
    const done = peers.map((peer) => peer.do('increment', stores, 'n', TIMES))
    assert.deepEqual(
      await Promise.all(done),
      peers.map(() => TIMES * stores.length),
    )
    configure({ path, durability: 'relaxed' })
    const db = await openDatabase('db')
    const tx = db.transaction(['s', 't'])
    const ended = completed(tx)
    const counts = ['s', 't'].map((store) => resultOf(tx.objectStore(store).get('n')))
    const expected = ['s', 't'].map((store) => {
      const each = stores.filter((other) => other === store).length
      return each === 0 ? undefined : each * TIMES * peers.length
    })
    assert.deepEqual(await Promise.all(counts), expected)
    await ended
    db.close()
    for (const peer of peers) {
      await peer.do('close')
      await peer.end()
    }
  })
}
