/**
 * A program for the tests of the preload library: writes, one after the other, and marks each. If
 * it reads what it has written, each is committed before it is marked.
 */

import { open } from '../../index.js'
import { mark } from '../support/preload'

async function main(): Promise<void> {
  const [directory, count, reads, ...durabilities] = process.argv.slice(2)
  for (const durability of durabilities) {
    const options = { durability: durability as 'strict', stores: { s: {} } }
    const db = await open(`${directory}/${durability}`, options)
    mark(directory!, 'opened')
    for (let i = 0; i < Number(count); i++) {
      await db.store('s').put(i, i)
      if (reads === 'reads') db.store('s').getSync(i)
      mark(directory!, `${durability} ${i}`)
    }
    await db.close()
  }
}

void main()
