import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { open } from '../../index.js'
import type { EncryptionOptions, OpenOptions } from '../../index.js'
import { fails } from '../support/errors'
import { temporaryDirectory } from '../support/database'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

/** Cheap, since it is not the derivation that is tested. */
const kdf = { memory: 64, iterations: 1, parallelism: 1 }

/** Whether a text shows a passphrase, or the beginning of a key, in one of the usual ways. */
function shows(text: string, { passphrase, key }: { passphrase?: string; key?: unknown }): boolean {
  if (passphrase !== undefined) return text.includes(passphrase)
  const bytes = Buffer.from((key as Uint8Array).subarray(0, 6))
  const hex = bytes.toString('hex')
  const forms = [[...bytes].join(', '), hex.match(/../g)!.join(' '), hex, bytes.toString('base64')]
  const flat = text.replaceAll(/\s+/g, ' ')
  return forms.some((form) => flat.includes(form))
}

test(
  'a passphrase, a key or a function that gives a key opens what it created',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const key = randomBytes(32)
    const secrets: [EncryptionOptions, EncryptionOptions][] = [
      [{ passphrase: 'open sesame', kdf }, { passphrase: 'open sesam' }],
      // Composed or not: the same characters.
      [{ passphrase: 'caf\u00e9', kdf }, { passphrase: 'cafe' }],
      [{ key, cipher: 'chacha20-poly1305' }, { key: randomBytes(32) }],
      [{ key: async () => key }, { key: () => randomBytes(32) }],
    ]
    for (const [encryption, wrong] of secrets) {
      const path = await temporaryDirectory(t)
      const db = await open(path, { encryption, stores: { users: { keyPath: 'id' } } })
      await db.store('users').put({ id: 1, name: 'Ada' })
      const [stats, summary] = [await db.stats(), await db.diagnostics()]
      assert.equal(stats.cipher, encryption.cipher ?? 'aes-256-gcm')
      assert.equal(summary.stats.cipher, stats.cipher)
      // What a function gives is `key`.
      const secret = typeof encryption.key === 'function' ? { key } : encryption
      assert.ok(shows(inspect(secret), secret))
      for (const each of [db, db.store('users'), stats, summary]) {
        const shown = inspect(each, { depth: 9, showHidden: true })
        assert.ok(!shows(shown, secret) && !shown.includes('sesam'))
        assert.ok(!shows(JSON.stringify(each), secret))
      }
      await db.close()
      await fails(() => open(path), 'ENCRYPTED')
      await fails(() => open(path, { mode: 'readOnly' }), 'ENCRYPTED')
      const refused = await fails(() => open(path, { encryption: wrong }), 'WRONG_KEY')
      assert.ok(!shows(inspect(refused), secret) && !inspect(refused).includes('sesam'))
      if (typeof wrong.key !== 'function') assert.ok(!shows(inspect(refused), wrong))
      const again = await open(path, { encryption })
      assert.deepEqual(await again.store('users').get(1), { id: 1, name: 'Ada' })
      await again.close()
    }
    const path = await temporaryDirectory(t)
    await (await open(path, { encryption: { passphrase: 'caf\u00e9', kdf } })).close()
    await (await open(path, { encryption: { passphrase: 'cafe\u0301' } })).close()
  },
)

test('a database that is not encrypted takes no key', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path)
  assert.equal((await db.stats()).cipher, null)
  await db.close()
  await fails(() => open(path, { encryption: { passphrase: 'x' } }), 'NOT_ENCRYPTED')
})

test('what cannot be a key is refused, and not shown', async (t) => {
  const path = await temporaryDirectory(t)
  const refused: unknown[] = [
    {},
    null,
    'secret',
    { passphrase: '' },
    { passphrase: 7 },
    { passphrase: 'secret', key: new Uint8Array(32) },
    { key: 'secret'.padEnd(32, '.') },
    { key: new Uint8Array(31) },
    { key: new Uint16Array(32) },
    { key: () => 'secret' },
    { key: async () => new Uint8Array(16) },
    { passphrase: 'secret', cipher: 'aes-128-gcm' },
    { passphrase: 'secret', kdf: { memory: 7 } },
    { passphrase: 'secret', kdf: { memory: 8 } },
    { passphrase: 'secret', kdf: { iterations: 0 } },
    { passphrase: 'secret', kdf: { parallelism: 65 } },
    { passphrase: 'secret', kdf: 3 },
    { passphrase: 'secret', other: 1 },
  ]
  for (const encryption of refused) {
    const error = await fails(() => open(path, { encryption } as OpenOptions), 'INVALID_ARGUMENT')
    assert.equal(error.message.includes('secret'), false, error.message)
  }
  const failing = () => {
    throw new Error('the keychain is locked')
  }
  await assert.rejects(open(path, { encryption: { key: failing } }), /the keychain is locked/)
})

test('spaces need the key of their database', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  const encryption = { passphrase: 'one', kdf }
  const space = await open(path, { encryption, space: 'a', stores: { s: {} } })
  await space.store('s').put('in the space', 1)
  await space.close()
  await fails(() => open(path, { space: 'a' }), 'ENCRYPTED')
  await fails(() => open(path, { space: 'a', encryption: { passphrase: 'two' } }), 'WRONG_KEY')
  const again = await open(path, { encryption, space: 'a' })
  assert.equal(await again.store('s').get(1), 'in the space')
  await again.close()
})

test(
  'worker threads share a sealed database, each with the key',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await temporaryDirectory(t)
    const encryption = { passphrase: 'one', kdf }
    const db = await open(path, { encryption, stores: { s: {} } })
    const code = `
    const { open } = require(${JSON.stringify(require.resolve('../../index.js'))})
    const { workerData, parentPort } = require('node:worker_threads')
    open(workerData.path, { encryption: workerData.encryption })
      .then(async (db) => {
        await db.store('s').put('from the worker', 1)
        await db.close()
        parentPort.postMessage('done')
      }, (error) => parentPort.postMessage(error.code))
  `
    const run = (data: object) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(code, { eval: true, workerData: data })
        worker.once('message', resolve).once('error', reject)
      })
    assert.equal(await run({ path, encryption: { passphrase: 'two' } }), 'WRONG_KEY')
    assert.equal(await run({ path }), 'ENCRYPTED')
    assert.equal(await run({ path, encryption }), 'done')
    assert.equal(await db.store('s').get(1), 'from the worker')
    await db.close()
  },
)
