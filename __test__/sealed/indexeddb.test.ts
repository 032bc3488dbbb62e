import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

/** What a request gives. */
function result<T>(request: EventTarget & { result: T; error: unknown }): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error))
  })
}

test('databases of IndexedDB are encrypted', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  const key = new Uint8Array(32).fill(4)
  assert.throws(() => configure({ path, encryption: {} as never }), { code: 'INVALID_ARGUMENT' })
  configure({ path, encryption: { key: async () => key } })
  const request = indexedDB.open('a name', 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore('a store'))
  const db = await result(request)
  const store = db.transaction('a store', 'readwrite').objectStore('a store')
  await result(store.put('a marker', 1))
  assert.equal(await result(db.transaction('a store').objectStore('a store').get(1)), 'a marker')
  assert.deepEqual(await indexedDB.databases(), [{ name: 'a name', version: 1 }])
  db.close()
  await fails(() => open(path, { space: 'a name', mode: 'open' }), 'ENCRYPTED')
  const native = await open(path, { space: 'a name', mode: 'open', encryption: { key } })
  assert.equal(await native.store('a store').get(1), 'a marker')
  await native.close()
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const text of ['a marker', 'a store', 'a name']) assert.equal(bytes.includes(text), false)
  }
})

test(
  'a program may overwrite its key when it was configured',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await temporaryDirectory(t)
    const key = new Uint8Array(32).fill(5)
    configure({ path, encryption: { key } })
    key.fill(0)
    const request = indexedDB.open('db', 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore('s'))
    const db = await result(request)
    db.close()
    const encryption = { key: new Uint8Array(32).fill(5) }
    await (await open(path, { space: 'db', mode: 'open', encryption })).close()
  },
)
