import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { configure } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { startPeers } from './peers'
import { completed, openDatabase, resultOf } from './requests'

async function makeDatabase(t: TestContext): Promise<{ db: any; path: string }> {
  const path = await temporaryDirectory(t)
  configure({ path, durability: 'relaxed' })
  const db = await openDatabase('db', 1, (made) => {
    for (const name of ['s', 't']) made.createObjectStore(name)
  })
  t.after(() => db.close())
  return { db, path }
}

/** A transaction that reads, again and again, until it is to write. */
function readThenWrite(db: any): { write: () => void; ended: Promise<void> } {
  const tx = db.transaction('s', 'readwrite')
  const store = tx.objectStore('s')
  let isReading = true
  const goOn = () => {
    if (!isReading) return store.put('written', 'key')
    store.get('key').onsuccess = goOn
  }
  goOn()
  const write = () => {
    isReading = false
  }
  return { write, ended: completed(tx) }
}

const others: Record<string, (store: any) => unknown> = {
  writes: (store) => store.put(1, 1),
  reads: (store) => store.get(1),
  'deletes nothing': (store) => store.delete(1),
  'clears nothing': (store) => store.clear(),
}

for (const [does, act] of Object.entries(others)) {
  test(`a transaction may wait for one on another store that ${does}`, async (t) => {
    const { db } = await makeDatabase(t)
    const { write, ended } = readThenWrite(db)
    const tx = db.transaction('t', 'readwrite')
    act(tx.objectStore('t'))
    await completed(tx)
    write()
    await ended
    assert.equal(await resultOf(db.transaction('s').objectStore('s').get('key')), 'written')
  })
}

for (const [does, act] of Object.entries(others)) {
  test(`one that waits while another ${does} is aborted if others change its data`, async (t) => {
    const { db, path } = await makeDatabase(t)
    const [peer] = await startPeers(t, path, 'process')
    await peer!.do('open', 'db')
    const { write, ended } = readThenWrite(db)
    const tx = db.transaction('t', 'readwrite')
    act(tx.objectStore('t'))
    await completed(tx)
    await peer!.do('put', 'key', 'of the other')
    write()
    await assert.rejects(ended, { name: 'AbortError' })
    assert.equal(await peer!.do('get', 'key'), 'of the other')
    await peer!.do('put', 'key', 'again')
    const next = db.transaction('s', 'readwrite')
    next.objectStore('s').put('mine', 'key')
    await completed(next)
    await peer!.do('close')
    await peer!.end()
  })
}
