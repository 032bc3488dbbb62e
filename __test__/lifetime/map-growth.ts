/** A process that makes the database of another one larger. */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'

async function main(path: string): Promise<void> {
  const db = (await open(path, { durability: 'relaxed' })) as any
  const text = 'x'.repeat(2_000)
  for (let n = 0; n < 5; n++) {
    const documents = Array.from({ length: 2_000 }, (_, i) => ({ id: n * 2_000 + i, a: n, text }))
    await db.store('s').putMany(documents)
    say({ count: await db.store('s').count() })
    await heard()
  }
  await db.close()
}

void main(process.argv[2]!)
