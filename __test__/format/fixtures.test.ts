import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as lodestore from '../../index.js'
import { IndexModel } from '../model/store'
import { temporaryDirectory } from '../support/database'
import { isSame } from '../support/same'
import { CONTENTS, SPACE, STORES, encryptionOf } from './contents'

const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')

/** Everything that the fixtures hold is there, and indexes give what they have to. */
async function check(db: any, more: Record<string, unknown[]> = {}): Promise<void> {
  assert.deepEqual(db.storeNames, Object.keys(STORES).toSorted())
  for (const [name, entries] of Object.entries(CONTENTS)) {
    const store = db.store(name)
    const rows = await store.entries().toArray()
    const expected = [...entries, ...((more[name] ?? []) as [unknown, unknown][])]
    assert.equal(rows.length, expected.length, name)
    for (const [i, [key, value]] of expected.entries()) {
      const { key: actual, value: document } = rows[i]
      assert.ok(isSame(actual, key), `${name}: key ${i}`)
      assert.ok(isSame(document, value), `${name}: document ${i}`)
      assert.ok(isSame(await store.get(key), value), `${name}: get ${i}`)
    }
    assert.equal(await store.count(), expected.length)
    const { indexes = {} } = STORES[name as keyof typeof STORES] as any
    assert.deepEqual(store.indexNames, Object.keys(indexes).toSorted())
    for (const [indexName, { on, ...options }] of Object.entries<any>(indexes)) {
      const model = new IndexModel(on, options)
      for (const { key, value } of rows) model.add(key, value)
      const actual = await store.index(indexName).entries().toArray()
      assert.ok(isSame(actual, model.rows({ form: 'everything' })), indexName)
    }
  }
}

const names = readdirSync(FIXTURES).filter((name) => /^(format|sealed)-/.test(name))

test('there is a fixture', () => assert.ok(names.length > 0))

for (const name of names) {
  test(`${name} opens, is whole, and can be written`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    cpSync(join(FIXTURES, name), path, { recursive: true })
    const encryption = encryptionOf(name)
    const open = (from: string, options: object) => lodestore.open(from, { ...options, encryption })
    const readOnly = await open(path, { mode: 'readOnly' })
    await check(readOnly)
    await readOnly.close()

    const db = (await open(path, { mode: 'open', stores: STORES })) as any
    await check(db)
    assert.deepEqual(await db.spaces(), [SPACE])
    const space = (await open(path, { mode: 'open', space: SPACE })) as any
    assert.equal(await space.store('inner').get(1), 'in a space')
    await space.close()

    const person = { name: 'new', city: 'Oslo', age: 1, tags: [] }
    assert.equal(await db.store('people').add(person), 32, 'the key generator goes on')
    await assert.rejects(db.store('people').add(person), { code: 'UNIQUE_VIOLATION' })
    await db.createIndex('people', 'byAge', 'age')
    assert.deepEqual(await db.store('people').index('byAge').getAllKeys(1), [32])
    await db.deleteIndex('people', 'byAge')
    await check(db, { people: [[32, { ...person, id: 32 }]] })
    await db.compact()
    await check(db, { people: [[32, { ...person, id: 32 }]] })
    await db.close()
  })
}
