/** A process that writes until it is killed, or until it is told to stop. */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'
import { Random } from '../support/random'
import { LANES } from './lanes'
import { STORES } from './stores'

async function main(): Promise<void> {
  const { path, seed, lanes, durability, mapSize, start } = await heard()
  const db = await open(path, { durability, mapSize, stores: STORES })
  say({ ready: true })
  let goes = true
  void heard().then(() => (goes = false))
  const go = (): boolean => goes
  await Promise.all(
    lanes.map((name: string, i: number) => LANES[name]!(db, new Random(seed + i), start, go)),
  )
  await db.close()
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error), code: error?.code })
  process.exitCode = 1
})
