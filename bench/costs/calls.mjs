import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRequire } from 'node:module'
import { check } from '../lib/measure.mjs'
import { filled, READS, readsOf } from './database.mjs'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
/** Collections of garbage after which a context must be gone. */
const COLLECTIONS = 20
// Not public: whether the storage is off is what the comparison is about.
const { isCarried } = createRequire(import.meta.url)('../../lib/ambient.js')

/** A promise: `get` beside `getSync`. */
export async function promiseCost(path, count, compare) {
  const { db, docs } = await filled(path, count)
  const reads = readsOf(count)
  const a = reads.sync((id) => docs.getSync(id))
  const b = reads((id) => docs.get(id))
  await compare('a promise', 'getSync', 'await get', { a, b, size: READS })
  await db.close()
}

/**
 * Ambient transactions: reads while other code is inside one, which keeps the storage of the
 * asynchronous context switched on, beside reads while none is open.
 */
export async function transactionCost(path, count, compare) {
  const { db, docs } = await filled(path, count)
  const reads = readsOf(count)
  const read = reads((id) => docs.get(id))
  let finish
  let ended
  const beforeB = async () => {
    await new Promise((begun) => {
      const open = new Promise((resolve) => (finish = resolve))
      ended = db.transaction(
        async () => {
          begun()
          await open
        },
        { mode: 'readonly' },
      )
    })
  }
  const afterB = async () => {
    finish()
    await ended
    // The storage is switched off when the context's token is collected, which promises carry.
    finish = undefined
    ended = undefined
    for (let i = 0; i < COLLECTIONS && isCarried(); i++) {
      collectGarbage()
      await new Promise((resolve) => setImmediate(resolve))
    }
    check(!isCarried(), 'the ambient transaction is still carried')
  }
  const pair = { a: read, b: read, beforeB, afterB, size: READS }
  await compare('an ambient transaction of other code', 'get, none is open', 'get, one is', pair)
  await db.close()
}
