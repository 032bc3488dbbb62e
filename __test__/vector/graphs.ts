// Waiting for the graphs of vector indexes, which are built in the background.

import { setTimeout as later } from 'node:timers/promises'
import type { NearestExplanation } from '../../index.js'
import type { Vector } from './brute-force'

/** How often it is asked, once in 10 ms at most: a clock goes on while a process is stopped. */
const PATIENCE = 12_000

type Told = NearestExplanation['nearest']

/** Asks how a search is answered until that is as it should be. */
export async function graphOf(
  explain: () => PromiseLike<NearestExplanation>,
  isReady: (told: Told) => boolean,
): Promise<Told> {
  for (let left = PATIENCE; ; left--) {
    const { nearest } = await explain()
    if (isReady(nearest)) return nearest
    if (left === 0) throw new Error(`no graph: ${JSON.stringify(nearest)}`)
    await later(10)
  }
}

/** Waits until the graph of an index has all that is committed. */
export function isBuilt(store: any, index: string, vector: Vector): Promise<Told> {
  return graphOf(
    () => store.nearest(index, vector).explain(),
    ({ notInGraph }) => notInGraph === 0,
  )
}
