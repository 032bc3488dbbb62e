/** A program that has documents counted by their content, none of which it has itself. */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'
import { KEY_LENGTH, keyByte } from './key'

async function main(path: string): Promise<void> {
  const key = Uint8Array.from({ length: KEY_LENGTH }, (_, i) => keyByte(i))
  const db = (await open(path, { encryption: { key }, mode: 'open' })) as any
  const s = db.store('s')
  // The documents themselves, and an index.
  const scanned = await s.find({ more: { $regex: '9$' } }).count()
  const found = await s.find({ text: { $gt: 'a' } }).count()
  say([scanned, found])
  await heard()
  await db.close()
  say('closed')
  await heard()
}

void main(process.argv[2]!)
