import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { soon } from '../support/check'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { startPeers } from './peers'
import { completed, openDatabase, resultOf, walk } from './requests'

const COUNT = 300
/** How often a process is killed while an upgrade ends, and how long it may have had for it. */
const ROUNDS = 8
const MOST_MILLISECONDS = 60
const value = (n: number) => ({ group: n % 7, text: `text ${n}` })

/** A database of version 1, closed. */
async function makeDatabase(path: string): Promise<void> {
  configure({ path, durability: 'strict' })
  const db = await openDatabase('db', 1, (made) => {
    made.createObjectStore('s').createIndex('by', 'group')
    made.createObjectStore('other', { keyPath: 'id', autoIncrement: true })
  })
  const tx = db.transaction(['s', 'other'], 'readwrite')
  for (let n = 0; n < COUNT; n++) tx.objectStore('s').put(value(n), n)
  tx.objectStore('other').put({ name: 'first' })
  await completed(tx)
  db.close()
}

/** Checks that nothing in the database has changed. */
async function checkDatabase(db: any): Promise<void> {
  assert.equal(db.version, 1)
  assert.deepEqual([...db.objectStoreNames], ['other', 's'])
  const store = db.transaction('s').objectStore('s')
  assert.deepEqual([...store.indexNames], ['by'])
  const expected = Array.from({ length: COUNT }, (_, n) => [n, value(n)])
  assert.deepEqual(await walk(store), expected)
  const groups = expected.map(([n]) => [(n as number) % 7, value(n as number)] as const)
  const sorted = groups.toSorted(([a], [b]) => a - b)
  assert.deepEqual(await walk(store.index('by')), sorted)
}

test('a process killed in an upgrade leaves the old version and its data', async (t) => {
  const path = await temporaryDirectory(t)
  await makeDatabase(path)
  for (let round = 0; round < 3; round++) {
    const [peer] = await startPeers(t, path, 'process')
    void peer!.do('open', 'db', 2, { upgrade: 'endless' }).catch(() => {})
    assert.deepEqual(await peer!.event('upgradeneeded'), [1, 2])
    await peer!.event('upgrading')
    await peer!.kill()
    const db = await soon('opening', openDatabase('db'))
    await checkDatabase(db)
    db.close()
  }
  // What was cut off can be done again.
  const db = await openDatabase('db', 2, (upgraded, versions, tx) => {
    assert.deepEqual(versions, [1, 2])
    tx.objectStore('s').deleteIndex('by')
    upgraded.createObjectStore('made', { autoIncrement: true })
  })
  const store = db.transaction('made', 'readwrite').objectStore('made')
  assert.equal(await resultOf(store.add('one')), 1)
  const others = db.transaction('other', 'readwrite').objectStore('other')
  assert.equal(await resultOf(others.add({ name: 'second' })), 2)
  db.close()
})

/** Checks that the database is what the upgrade `everything` leaves. */
async function checkUpgraded(db: any): Promise<void> {
  assert.equal(db.version, 2)
  assert.deepEqual([...db.objectStoreNames], ['made', 'renamed'])
  const tx = db.transaction(['made', 'renamed'], 'readwrite')
  const [made, renamed] = [tx.objectStore('made'), tx.objectStore('renamed')]
  assert.deepEqual([[...made.indexNames], [...renamed.indexNames]], [['n'], []])
  assert.deepEqual(await walk(renamed), [['new', 'new']])
  assert.equal((await walk(made.index('n'))).length, 500)
  assert.equal(await resultOf(made.add({ n: 500 })), 501)
}

test(`a process killed near the end of an upgrade (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const found = [0, 0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const path = await temporaryDirectory(t)
    await makeDatabase(path)
    const [peer] = await startPeers(t, path, 'process')
    let isOpen = false
    const upgraded = peer!.do('open', 'db', 2, { upgrade: 'everything' }).then(
      () => (isOpen = true),
      () => {},
    )
    await peer!.event('upgradeneeded')
    await Promise.race([upgraded, setTimeout(random.below(MOST_MILLISECONDS))])
    await peer!.kill()
    await upgraded
    const db = await soon('opening', openDatabase('db'))
    found[db.version]!++
    if (isOpen || db.version === 2) await checkUpgraded(db)
    else await checkDatabase(db)
    db.close()
  }
  t.diagnostic(`${found[1]} were not upgraded, ${found[2]} were`)
})

test('a process killed in the first upgrade leaves no database', async (t) => {
  const path = await temporaryDirectory(t)
  const [peer] = await startPeers(t, path, 'process')
  void peer!.do('open', 'new', 4, { upgrade: 'endless' }).catch(() => {})
  assert.deepEqual(await peer!.event('upgradeneeded'), [0, 4])
  await peer!.event('upgrading')
  await peer!.kill()
  configure({ path, durability: 'relaxed' })
  assert.deepEqual(await indexedDB.databases(), [])
  const db = await openDatabase('new', undefined, (made, versions) => {
    assert.deepEqual(versions, [0, 1])
    assert.equal(made.objectStoreNames.length, 0)
    made.createObjectStore('made')
  })
  assert.equal(db.version, 1)
  assert.deepEqual([...db.objectStoreNames], ['made'])
  db.close()
})

test('a process that is killed lets go of its connections and transactions', async (t) => {
  const path = await temporaryDirectory(t)
  await makeDatabase(path)
  const [peer, waiting] = await startPeers(t, path, 'process', 'process')
  await peer!.do('open', 'db')
  await peer!.do('hold')
  const opened = waiting!.do('open', 'db', 2)
  assert.deepEqual(await peer!.event('versionchange'), [1, 2])
  assert.deepEqual(await waiting!.event('blocked'), [1, 2])
  await peer!.kill()
  assert.equal((await opened).version, 2)
  assert.equal(await waiting!.do('count'), COUNT)
  assert.equal(await waiting!.do('get', 'held'), null)
  await waiting!.do('close')
  await waiting!.end()
})

test('nobody waits for a process that was killed while it waited', async (t) => {
  const path = await temporaryDirectory(t)
  await makeDatabase(path)
  const [peer] = await startPeers(t, path, 'process')
  const db = await openDatabase('db')
  void peer!.do('open', 'db', 2).catch(() => {})
  assert.deepEqual(await peer!.event('blocked'), [1, 2])
  await peer!.kill()
  const [next] = await startPeers(t, path, 'process')
  assert.equal((await next!.do('open', 'db')).version, 1)
  db.close()
  await next!.end()
  const upgraded = await soon('the upgrade', openDatabase('db', 3))
  assert.equal(upgraded.version, 3)
  upgraded.close()
})
