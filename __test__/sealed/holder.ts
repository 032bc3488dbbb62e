/** A program that has an encrypted database open, and says how far it is. */

import { open } from '../../index.js'
import { collectGarbage } from '../support/runtime'
import { heard, say } from '../support/parent'
import { KDF, KEY_LENGTH, PASSPHRASE, keyByte } from './key'

async function main(path: string, kind: string): Promise<void> {
  // Its bytes stand together here alone. V8 keeps small arrays that it makes the memory for itself
  // on its heap, and leaves copies there when they move.
  const key = new Uint8Array(new ArrayBuffer(KEY_LENGTH))
  for (let i = 0; i < KEY_LENGTH; i++) key[i] = keyByte(i)
  const encryption = kind === 'key' ? { key } : { passphrase: PASSPHRASE, kdf: KDF }
  const db = (await open(path, { encryption, stores: { s: {} } })) as any
  const entries = Array.from({ length: 500 }, (_, i) => [i, { i }])
  await db.store('s').putMany(entries, { entries: true })
  const space = (await open(path, { encryption, space: 'inner', stores: { s: {} } })) as any
  await space.store('s').put('inside', 1)
  say('given')
  await heard()
  key.fill(0)
  say('open')
  await heard()
  await space.close()
  await db.close()
  collectGarbage()
  say('closed')
  await heard()
}

void main(process.argv[2]!, process.argv[3]!)
