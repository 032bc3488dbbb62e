import assert from 'node:assert/strict'
import { readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { temporaryDirectory } from '../support/database'
import { openDatabase, resultOf } from './requests'

test('a damaged database fails with an UnknownError, and can be deleted', async (t) => {
  const path = await temporaryDirectory(t)
  configure({ path, durability: 'none' })
  const fill = (made: any) => {
    const store = made.createObjectStore('s')
    for (let i = 0; i < 2000; i++) store.put('x'.repeat(100), i)
  }
  const whole = await openDatabase('db', 1, fill)
  whole.close()
  // Its files may be touched when it has been closed.
  await indexedDB.databases()
  const [space] = readdirSync(join(path, 'spaces'))
  const file = join(path, 'spaces', space!, 'data.mdb')
  truncateSync(file, 8192)
  writeFileSync(file, Buffer.alloc(1 << 20, 0xa5), { flag: 'a' })

  await assert.rejects(openDatabase('db'), { name: 'UnknownError' })
  await assert.rejects(indexedDB.databases(), { name: 'UnknownError' })
  await resultOf(indexedDB.deleteDatabase('db'))
  assert.deepEqual(await indexedDB.databases(), [])
  const db = await openDatabase('db', 1, (made) => made.createObjectStore('new'))
  assert.deepEqual([...db.objectStoreNames], ['new'])
  db.close()
})
