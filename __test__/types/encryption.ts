// Types of what encrypts and opens a database.

import { decrypt, encrypt, open, restore } from '../../index.js'
import type { EncryptionOptions, EncryptionSecret, VerifyReport } from '../../index.js'

export async function check(): Promise<void> {
  const key = new Uint8Array(32)
  const encryption: EncryptionOptions = {
    passphrase: 'x',
    cipher: 'chacha20-poly1305',
    kdf: { memory: 1024, iterations: 1, parallelism: 1 },
  }
  const db = await open('./data', { encryption, stores: { s: {} } })
  await open('./data', { encryption: { key } })
  await open('./data', { encryption: { key: async () => key } })
  await restore('x', 'y', { encryption: { key: () => key } })
  const report: VerifyReport = await encrypt('x', { encryption, onProgress: ({ done }) => done })
  const { signal } = new AbortController()
  if (report.ok) await decrypt('x', { encryption: { key: async () => key }, signal })
  // @ts-expect-error with what?
  await encrypt('x')
  // @ts-expect-error null asks backup for a plain copy
  await encrypt('x', { encryption: null })
  const secret: EncryptionSecret = 'x'
  await db.changePassphrase(secret, { passphrase: 'y', kdf: { iterations: 5 } })
  await db.addKey('x', { key })
  await db.removeKey({ key: async () => key })
  await db.rotateKey()
  await db.rotateKey({ onProgress: ({ phase, done, total }) => [phase, done, total], signal })
  // @ts-expect-error it needs no secret
  await db.rotateKey('x')
  // @ts-expect-error one of both
  await open('./data', { encryption: { passphrase: 'x', key } })
  // @ts-expect-error one of both
  await open('./data', { encryption: { cipher: 'aes-256-gcm' } })
  // @ts-expect-error bytes, not text
  await open('./data', { encryption: { key: 'x' } })
  // @ts-expect-error there is no such cipher
  await open('./data', { encryption: { passphrase: 'x', cipher: 'aes-128-gcm' } })
  // @ts-expect-error the cipher stays
  await db.changePassphrase('x', { passphrase: 'y', cipher: 'aes-256-gcm' })
  // @ts-expect-error something must open it
  await db.addKey('x')
}
