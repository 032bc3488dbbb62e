/**
 * Repeats rounds of work and says, after each, how much memory the process has.
 *
 * Arguments: directory, seconds, least number of rounds, and `leak` to leak on purpose in short
 * rounds.
 */

import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { open } from '../../index.js'
import { say } from '../support/parent'
import { Random, seed } from '../support/random'
import { STORES, work, writes } from './round'

/** What a deliberate leak keeps of each round, in bytes. */
const LEAK = 1 << 20

/** Anonymous memory that is resident, in bytes: what the process allocates, and no mapped file. */
function anonymousMemory(): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024
}

async function collectGarbage(): Promise<void> {
  // Finalisers run after a collection, and what they let go is found by the next one.
  for (let i = 0; i < 3; i++) {
    ;(globalThis as { gc?: () => void }).gc!()
    await setImmediate()
  }
}

async function main(): Promise<void> {
  const [directory, seconds, rounds, leaks] = process.argv.slice(2)
  const random = new Random(seed)
  const kept: Buffer[] = []
  const db = await open(directory!, { durability: 'relaxed', stores: STORES })
  const end = performance.now() + Number(seconds) * 1000
  for (let round = 0; round < Number(rounds) || performance.now() < end; round++) {
    const place = { db, directory: directory!, random, round }
    if (leaks === 'leak') {
      await writes(place)
      kept.push(Buffer.alloc(LEAK, 1))
    } else {
      await work(place)
    }
    await collectGarbage()
    say(anonymousMemory())
  }
  await db.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
