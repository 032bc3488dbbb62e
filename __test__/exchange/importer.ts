/** A program that imports into keys that are generated: what it did twice would be there twice. */

import { open } from '../../index.js'
import { say } from '../support/parent'

export const COUNT = 60_000
export const OPTIONS = { store: 'log', batch: 500, checkpoint: { store: 'marks', key: 'log' } }

function* source(): Generator<string> {
  for (let i = 0; i < COUNT; i++) yield `{"i":${i}}\n`
}

async function main(path: string): Promise<void> {
  const stores = { log: { autoIncrement: true }, marks: {} } as const
  const db = await open(path, { durability: 'none', stores })
  say({ begun: true })
  await db.importFrom(source(), OPTIONS)
  await db.close()
}

if (process.argv[2] !== undefined && require.main === module) void main(process.argv[2])
