import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, restore } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

const encryption = { key: new Uint8Array(32).fill(9) }
const stores = { s: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } } }

/** A database with documents, and a space. */
async function create(path: string) {
  const db = await open(path, { encryption, stores })
  await db.store('s').putMany(Array.from({ length: 500 }, (_, id) => ({ id, name: `n${id}` })))
  const space = await open(path, { encryption, space: 'a', stores })
  await space.store('s').put({ id: 1, name: 'in the space' })
  await space.close()
  return db
}

test(
  'an encrypted database is verified, backed up and restored',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const root = await temporaryDirectory(t)
    const path = join(root, 'db')
    const db = await create(path)
    for (const level of ['quick', 'full'] as const) {
      assert.equal((await db.verify({ level })).ok, true)
    }
    await db.backup(join(root, 'compact'))
    await db.backup(join(root, 'plain'), { compact: false })
    await db.store('s').put({ id: 1_000, name: 'later' })
    await db.close()
    for (const method of ['compact', 'plain']) {
      const from = join(root, method)
      await fails(() => restore(from, path), 'ENCRYPTED')
      const wrong = { encryption: { key: new Uint8Array(32) } }
      await fails(() => restore(from, path, wrong), 'WRONG_KEY')
      const before = await open(path, { encryption })
      assert.equal(await before.store('s').count(), method === 'compact' ? 501 : 500)
      await before.close()
      await restore(from, path, { encryption })
      const restored = await open(path, { encryption })
      assert.equal(await restored.store('s').count(), 500)
      assert.deepEqual(await restored.spaces(), ['a'])
      await restored.close()
      const space = await open(path, { encryption, space: 'a', mode: 'open' })
      assert.equal((await space.store('s').get(1)).name, 'in the space')
      // Its key is its database's.
      const alone = join(root, `${method} space`)
      await fails(() => space.backup(alone), 'INVALID_ARGUMENT')
      await space.backup(alone, { encryption })
      await space.close()
      const copy = await open(alone, { encryption })
      assert.equal((await copy.store('s').get(1)).name, 'in the space')
      await copy.close()
      await restore(from, join(root, `new ${method}`), { encryption })
    }
  },
)

test('a copy is encrypted, decrypted, or encrypted with other keys', async (t) => {
  const root = await temporaryDirectory(t)
  const passphrase = { passphrase: 'x', kdf: { memory: 64, iterations: 1, parallelism: 1 } }
  const steps = [
    { from: 'db', to: 'plain', next: null },
    { from: 'plain', to: 'sealed', next: passphrase },
    { from: 'sealed', to: 'other', next: { ...encryption, cipher: 'chacha20-poly1305' as const } },
  ]
  await (await create(join(root, 'db'))).close()
  let current: EncryptionOptions | null = encryption
  for (const { from, to, next } of steps) {
    const given = current === null ? {} : { encryption: current }
    const source = await open(join(root, from), { ...given, mode: 'readOnly' })
    await source.backup(join(root, to), { encryption: next })
    await source.backup(join(root, `${to} alone`), { encryption: next, spaces: false })
    await source.close()
    const options = next === null ? {} : { encryption: next }
    const refused = next === null ? 'NOT_ENCRYPTED' : 'WRONG_KEY'
    await fails(() => open(join(root, to), { encryption: { key: new Uint8Array(32) } }), refused)
    const copy = await open(join(root, to), options)
    assert.equal((await copy.verify()).ok, true)
    assert.equal(await copy.store('s').count(), 500)
    assert.equal((await copy.store('s').index('byName').get('n77')).id, 77)
    assert.deepEqual(await copy.spaces(), ['a'])
    await copy.store('s').put({ id: 1_000, name: to })
    await copy.close()
    const space = await open(join(root, to), { ...options, space: 'a', mode: 'open' })
    assert.equal((await space.store('s').get(1)).name, 'in the space')
    await space.close()
    const alone = await open(join(root, `${to} alone`), options)
    assert.deepEqual(await alone.spaces(), [])
    await alone.close()
    const visible = readFileSync(join(root, to, 'data.mdb')).includes('byName')
    assert.equal(visible, next === null)
    current = next
    await fails(() => again(join(root, to), options), 'DATABASE_EXISTS')
  }

  async function again(path: string, options: object) {
    const db = await open(path, options)
    try {
      await db.store('s').delete(1_000)
      await db.backup(join(root, 'plain'), { encryption: null })
    } finally {
      await db.close()
    }
  }
})
