/** A copy of a database while it is in use. */

import { rm } from 'node:fs/promises'
import { open, restore } from 'lodestore'

const db = await open('./data/backup-source', { stores: { orders: { keyPath: 'id' } } })
const orders = db.store('orders')
await orders.clear()
await orders.putMany(Array.from({ length: 3000 }, (_, id) => ({ id, total: id % 100 })))

// A backup needs a new or empty directory, and appears there complete or not at all.
const target = './data/backup-copy'
await rm(target, { recursive: true, force: true })
let reported
const backup = db.backup(target, { onProgress: (progress) => (reported = progress) })
await orders.put({ id: 3000, total: 1 })
await backup
console.log('everything copied:', reported.done === reported.total)

// A backup is a database like any other.
const copy = await open(target, { mode: 'readOnly' })
console.log('orders in the copy are at least:', Math.min(await copy.store('orders').count(), 3000))
await copy.close()
await db.close()

// It is verified before it takes the place of what there is.
const { ok, documents } = await restore(target, './data/backup-source')
console.log('restored:', ok && documents >= 3000)
