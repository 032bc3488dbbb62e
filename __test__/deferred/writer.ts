/**
 * A program that writes one document after another and reads none of them, so that commits are
 * deferred: until it kills itself, or as long as it is let live, telling of each that is there.
 */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'
import { STORES, documentOf } from './documents'

async function main(): Promise<void> {
  const { path, durability, key, count } = await heard()
  const sealing = key === undefined ? {} : { encryption: { key: Uint8Array.from(key) } }
  const db = await open(path, { durability, stores: STORES, ...sealing })
  const s = db.store('s')
  for (let n = 0; n < (count ?? Infinity); n++) {
    await s.put(documentOf(n))
    if (count === undefined) say(n)
  }
  process.kill(process.pid, 'SIGKILL')
}

void main()
