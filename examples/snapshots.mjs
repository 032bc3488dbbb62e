/** One state of the database, read for as long as it is needed while others write. */

import { open } from 'lodestore'

const db = await open(':memory:', { stores: { items: { keyPath: 'id' } } })
const items = db.store('items')
await items.putMany(Array.from({ length: 5000 }, (_, id) => ({ id, generation: 1 })))

const snapshot = await db.snapshot()
try {
  await items.clear()
  await items.put({ id: 0, generation: 2 })
  console.log(
    'now:',
    await items.count(),
    'in the snapshot:',
    await snapshot.store('items').count(),
  )

  // Iterating reads ahead in chunks off this thread; the order and the state stay the same.
  let sum = 0
  for await (const { id } of snapshot.store('items')) sum += id
  console.log('sum in the snapshot:', sum)
} finally {
  snapshot.close()
}

// Every iteration sees one state, too, without a snapshot of its own.
await items.putMany(Array.from({ length: 5000 }, (_, id) => ({ id, generation: 3 })))
let seen = 0
for await (const { generation } of items.range({ limit: 3000 })) {
  if (seen === 0) await items.clear()
  if (generation === 3) seen++
}
console.log('seen although cleared meanwhile:', seen)
await db.close()
