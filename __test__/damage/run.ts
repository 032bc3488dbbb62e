/**
 * Rounds of the damage drill, in a process of their own: a crash would be that of this process.
 *
 * Arguments: the number of documents, the number of rounds, the first seed, `sealed` for an
 * encrypted database.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { say } from '../support/parent'
import { emptyTally, prepare, round } from './drill'

async function run(): Promise<void> {
  const [count, rounds, first] = process.argv.slice(2, 5).map(Number) as [number, number, number]
  const directory = mkdtempSync(join(tmpdir(), 'lodestore-damage-'))
  try {
    const subject = await prepare(directory, count, process.argv[5] === 'sealed')
    const tally = emptyTally()
    for (let i = 0; i < rounds; i++) {
      const seed = (first + i) >>> 0
      say({ begins: seed })
      await round(subject, seed, tally)
    }
    say({ tally })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

void run()
