/** A program that has an encrypted database open, and says how far it is. */

import { open } from '../../index.js'
import { collectGarbage } from '../support/runtime'
import { heard, say } from '../support/parent'
import { KDF, KEY_LENGTH, NEXT_PASSPHRASE, PASSPHRASE, keyByte } from './key'

/** `replaces`: it has the passphrase and the data key replaced, once it is told to go on. */
async function main(path: string, kind: string, replaces: boolean): Promise<void> {
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
  if (replaces) {
    const next = { passphrase: NEXT_PASSPHRASE, kdf: KDF }
    await db.changePassphrase({ passphrase: PASSPHRASE }, next)
    await db.rotateKey()
    await db.store('s').put('after it', 1_000)
  }
  say('open')
  await heard()
  await space.close()
  await db.close()
  collectGarbage()
  say('closed')
  await heard()
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4] === 'replaces')
