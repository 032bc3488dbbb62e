import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import type { EncryptionSecret } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

/** Cheap, since it is not the derivation that is tested. */
const kdf = { memory: 64, iterations: 1, parallelism: 1 }

test('a passphrase is changed while the database is in use', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { encryption: { passphrase: 'one', kdf }, stores: { s: {} } })
  await db.store('s').put('before', 1)
  await fails(() => db.changePassphrase('two', 'three'), 'WRONG_KEY')
  await db.changePassphrase('one', { passphrase: 'two', kdf })
  await db.store('s').put('after', 2)
  // In this process as in another one.
  await fails(() => open(path, { encryption: { passphrase: 'one' } }), 'WRONG_KEY')
  const other = await open(path, { encryption: { passphrase: 'two' } })
  assert.deepEqual(await other.store('s').getAll(), ['before', 'after'])
  await other.close()
  await db.close()
  await fails(() => open(path, { encryption: { passphrase: 'one' } }), 'WRONG_KEY')
  const again = await open(path, { encryption: { passphrase: 'two' } })
  assert.deepEqual(await again.store('s').getAll(), ['before', 'after'])
  await again.close()
})

test('a recovery key opens the database beside a passphrase', async (t) => {
  const path = await temporaryDirectory(t)
  const recovery = new Uint8Array(32).fill(3)
  const db = await open(path, { encryption: { passphrase: 'one', kdf }, stores: { s: {} } })
  await db.addKey('one', { key: async () => recovery })
  await db.close()
  const recovered = await open(path, { encryption: { key: recovery } })
  await recovered.changePassphrase('one', { passphrase: 'two', kdf })
  await recovered.removeKey({ key: recovery })
  await fails(() => recovered.removeKey('two'), 'INVALID_ARGUMENT')
  await recovered.close()
  await fails(() => open(path, { encryption: { key: recovery } }), 'WRONG_KEY')
  await (await open(path, { encryption: { passphrase: 'two' } })).close()
})

test('changes of keys are refused where they cannot be made', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  const plain = await open(path)
  await fails(() => plain.changePassphrase('one', 'two'), 'NOT_ENCRYPTED')
  await fails(() => plain.addKey('one', 'two'), 'NOT_ENCRYPTED')
  await fails(() => plain.removeKey('one'), 'NOT_ENCRYPTED')
  const refused: unknown[] = [
    undefined,
    '',
    7,
    {},
    { passphrase: 'secret', key: new Uint8Array(32) },
    { key: new Uint8Array(5) },
    { passphrase: 'secret', cipher: 'aes-256-gcm' },
  ]
  for (const secret of refused) {
    const calls = [
      () => plain.changePassphrase(secret as EncryptionSecret, 'two'),
      () => plain.changePassphrase('one', secret as EncryptionSecret),
      () => plain.addKey('one', secret as EncryptionSecret),
      () => plain.removeKey(secret as EncryptionSecret),
    ]
    for (const call of calls) {
      const { message } = await fails(call, 'INVALID_ARGUMENT')
      assert.equal(message.includes("secret'"), false, message)
    }
  }
  await plain.close()
  await fails(() => plain.changePassphrase('one', 'two'), 'CLOSED')

  const sealed = await open(`${path}/sealed`, { encryption: { passphrase: 'one', kdf } })
  await sealed.transaction(async () => {
    await fails(() => sealed.changePassphrase('one', 'two'), 'INVALID_ARGUMENT')
  })
  await sealed.close()
  const readOnly = await open(`${path}/sealed`, {
    encryption: { passphrase: 'one' },
    mode: 'readOnly',
  })
  await fails(() => readOnly.changePassphrase('one', 'two'), 'TX_READ_ONLY')
  await readOnly.close()
})
