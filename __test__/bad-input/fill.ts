/** Fills a database until there is no more room. As a program: in the directory given to it. */

import { open } from '../../index.js'
import { say } from '../support/parent'

/** Gives what was acknowledged, and the error that ended it. */
export async function fillUntilFull(
  db: any,
  from: number,
): Promise<{ acknowledged: Set<number>; error: unknown }> {
  const store = db.store('s')
  const acknowledged = new Set<number>()
  let error: unknown
  for (let first = from; error === undefined; first += 10) {
    const ids = Array.from({ length: 10 }, (_, i) => first + i)
    const outcomes = await Promise.allSettled(
      ids.map((id) => store.put({ id, n: id % 13, text: `${id} `.repeat(200) })),
    )
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') acknowledged.add(ids[i]!)
      else error = outcome.reason
    }
  }
  return { acknowledged, error }
}

async function main(path: string): Promise<void> {
  const stores = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } }
  const db = await open(path, { stores })
  const { acknowledged, error } = await fillUntilFull(db, 0)
  say({ code: (error as { code?: string }).code, acknowledged: [...acknowledged] })
  await db.close()
}

if (require.main === module) void main(process.argv[2]!)
