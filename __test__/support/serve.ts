/** What a program of a test uses that is run by `inThread` or `inProcess`. */

/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins */

import { parentPort, workerData } from 'node:worker_threads'
import { heard, say } from './parent'

/** What came of it. */
export interface Outcome<T> {
  result?: T
  /** The error that was thrown, with its stack. */
  failure?: string
}

/** Does one piece of work as it is ordered, if this is the program that was started. */
export function serve<Order, T>(program: NodeModule, work: (order: Order) => Promise<T>): void {
  if (parentPort !== null && workerData?.file === program.filename) {
    const port = parentPort
    void outcomeOf(work, workerData.order).then((outcome) => port.postMessage(outcome))
  } else if (require.main === program) {
    void heard<Order>().then(async (order) => say(await outcomeOf(work, order)))
  }
}

async function outcomeOf<Order, T>(
  work: (order: Order) => Promise<T>,
  order: Order,
): Promise<Outcome<T>> {
  try {
    return { result: await work(order) }
  } catch (error) {
    return { failure: error instanceof Error ? `${error.stack}` : String(error) }
  }
}
