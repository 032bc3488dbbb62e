/** A program that has an encrypted database open, and says how far it is. */

import { open } from '../../index.js'
import { collectGarbage } from '../support/runtime'
import { heard, say } from '../support/parent'
import { KEY_LENGTH, keyByte } from './key'

async function main(path: string): Promise<void> {
  // Its bytes stand together here alone. V8 keeps small arrays that it makes the memory for itself
  // on its heap, and leaves copies there when they move.
  const key = new Uint8Array(new ArrayBuffer(KEY_LENGTH))
  for (let i = 0; i < KEY_LENGTH; i++) key[i] = keyByte(i)
  const db = await open(path, { encryption: { key }, stores: { s: {} } })
  await db.store('s').putMany(
    Array.from({ length: 500 }, (_, i) => [i, { i }]) as never,
    {
      entries: true,
    } as never,
  )
  say('given')
  await heard()
  key.fill(0)
  say('open')
  await heard()
  await db.close()
  collectGarbage()
  say('closed')
  await heard()
}

void main(process.argv[2]!)
