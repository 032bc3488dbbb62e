/** A process that makes calls in an exit handler. */

import { join } from 'node:path'
import { say } from '../support/parent'
import { ON_DATABASE } from './contexts'
import { objectsOf } from './objects'
import { Probe, wordFor } from './probe'
import { ROWS, groupsOf } from './rows'
import { commitNew, openOld } from './state'

async function main(directory: string): Promise<void> {
  const calls: { probe: Probe; objects: any }[] = []
  const rows = ROWS.filter(({ of }) => ON_DATABASE.includes(of))
  for (const [i, group] of groupsOf(rows, false).entries()) {
    const db = await openOld(join(directory, String(i)))
    for (const row of group) {
      const made = await objectsOf(row.of, db, join(directory, 'target'))
      const objects = { ...made, Database: db }
      calls.push({ probe: new Probe(row, undefined), objects })
    }
    await commitNew(db)
  }
  process.on('exit', () => {
    for (const { probe, objects } of calls) {
      const { row } = probe
      probe.start(() => row.call(objects))
      const unsettled = row.wrote === undefined ? 'never' : 'perhaps'
      const word = probe.settled === null ? unsettled : wordFor(row, probe.settled, null)
      say([`${row.of}.${row.method}`, word])
    }
  })
}

if (require.main === module) void main(process.argv[2]!)
