import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { startPeers } from './peers'
import { completed, openDatabase, resultOf } from './requests'

const NAMES = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const

/** Puts functions that never run, and clocks that stand still, in the place of the global ones. */
function stopTime(): () => void {
  const saved = NAMES.map((name) => [name, globalThis[name]] as const)
  const { nextTick } = process
  const { now } = Date
  const nowOf = performance.now
  const never: any = () => {}
  for (const name of NAMES) globalThis[name] = never
  process.nextTick = never
  Date.now = () => 0
  performance.now = () => 0
  return () => {
    for (const [name, value] of saved) (globalThis as any)[name] = value
    process.nextTick = nextTick
    Date.now = now
    performance.now = nowOf
  }
}

test('a program may replace the timers and clocks', async (t) => {
  const path = await temporaryDirectory(t)
  configure({ path, durability: 'none' })
  const [peer] = await startPeers(t, path, 'process')
  await peer!.do('open', 'db', 1, { closes: true })
  const goOn = stopTime()
  const versions: unknown[] = []
  try {
    const own = await openDatabase('own', 1, (made) => made.createObjectStore('s'))
    const tx = own.transaction('s', 'readwrite')
    tx.objectStore('s').put('value', 'key')
    assert.equal(await resultOf(tx.objectStore('s').get('key')), 'value')
    await completed(tx)
    own.close()
    // The other process is told of the upgrade, and closes its connection.
    const db = await openDatabase('db', 2, (_, change) => versions.push(change))
    db.close()
  } finally {
    goOn()
  }
  assert.deepEqual(versions, [[1, 2]])
  await peer!.end()
})
