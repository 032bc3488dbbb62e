/** Increments one counter, in a thread or a process of its own. */

import { open } from '../../index.js'
import { serve } from '../support/serve'

export interface Order {
  path: string
  name: string
  times: number
}

async function increment({ path, name, times }: Order): Promise<void> {
  const db = (await open(path, { durability: 'none' })) as any
  const counters = db.store('counters')
  const update = {
    $inc: { n: 1, [`by.${name}`]: 1 },
    $push: { last: { $each: [name], $slice: -3 } },
  }
  for (let done = 0; done < times; done += 20) {
    const batch = Array.from({ length: 10 }, () => counters.update('c', update))
    const inTransaction = db.transaction(async (tx: any) => {
      for (let i = 0; i < 10; i++) await tx.store('counters').update('c', update)
    })
    await Promise.all([...batch, inTransaction])
  }
  await db.close()
}

serve(module, increment)
