import { phases } from '../phases'
import assert from 'node:assert/strict'
import { openDB, unwrap } from 'idb'

const open = (version?: number): Promise<any> =>
  openDB('articles', version, {
    upgrade(db: any, oldVersion) {
      if (oldVersion > 0) return
      const store = db.createObjectStore('articles', { keyPath: 'id', autoIncrement: true })
      store.createIndex('date', 'date')
      db.createObjectStore('pairs')
    },
  })

const day = (number: number) => new Date(Date.UTC(2024, 0, number))

async function create(): Promise<void> {
  const db = await open(1)
  for (let i = 1; i <= 31; i++) await db.add('articles', { title: `a${i}`, date: day(i) })
  await db.put('pairs', new Map([['a', { deep: [1n] }]]), ['composed', 1])

  const tx = db.transaction('articles', 'readwrite')
  const index = tx.store.index('date')
  for await (const cursor of index.iterate(IDBKeyRange.bound(day(5), day(10)))) {
    await cursor.update({ ...cursor.value, title: `${cursor.value.title} changed` })
  }
  await tx.done

  const failing = db.transaction('articles', 'readwrite')
  const results = await Promise.allSettled([
    failing.store.add({ id: 100, title: 'undone' }),
    failing.store.add({ id: 1, title: 'is there' }),
    failing.done,
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  assert.equal(await db.get('articles', 100), undefined)
  const mine = unwrap(db) as unknown
  assert.ok(mine instanceof IDBDatabase)
  db.close()
}

async function reopen(): Promise<void> {
  const db = await open()
  assert.equal(db.version, 1)
  assert.deepEqual([...db.objectStoreNames], ['articles', 'pairs'])
  assert.equal(await db.count('articles'), 31)
  const changed = await db.getAllFromIndex('articles', 'date', IDBKeyRange.lowerBound(day(9)), 3)
  assert.deepEqual(
    changed.map(({ title }: { title: string }) => title),
    ['a9 changed', 'a10 changed', 'a11'],
  )
  assert.deepEqual(await db.get('pairs', ['composed', 1]), new Map([['a', { deep: [1n] }]]))
  assert.equal(await db.getKeyFromIndex('articles', 'date', day(2)), 2)

  const titles: string[] = []
  let cursor = await db.transaction('articles').store.openCursor(null, 'prev')
  while (cursor !== null && titles.length < 2) {
    titles.push(cursor.value.title)
    cursor = await cursor.advance(30)
  }
  assert.deepEqual(titles, ['a31', 'a1'])
  db.close()

  let blocked = 0
  const old = await openDB('articles', 1)
  const next = openDB('articles', 2, {
    blocked(current, wanted) {
      blocked++
      assert.deepEqual([current, wanted], [1, 2])
      old.close()
    },
  })
  assert.equal((await next).version, 2)
  assert.equal(blocked, 1)
  ;(await next).close()
}

declare const IDBKeyRange: any
declare const IDBDatabase: any

phases({ create, reopen })
