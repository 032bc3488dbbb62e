/** What operations come to, on the database and on the model, and whether it is the same. */

import { inspect } from 'node:util'
import { LodestoreError } from '../../index.js'
import { isSame } from '../support/same'
import { Refusal } from './store'

/** A value, or the code of a failure. */
export type Outcome = { value: unknown } | { code: string }

/** The database does not do what the model does. */
export class Mismatch extends Error {}

/** Thrown by transactions of a run to roll back. */
export class RollBack extends Error {}

/** Begins something at once; what it fails with is an outcome. */
export async function attempt(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() }
  } catch (error) {
    if (error instanceof LodestoreError) return { code: error.code }
    throw error
  }
}

export function expect(run: () => unknown): Outcome {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code }
    throw error
  }
}

export async function rollingBack(transaction: Promise<unknown>): Promise<void> {
  try {
    await transaction
  } catch (error) {
    if (!(error instanceof RollBack)) throw error
  }
}

export function compare(expected: Outcome, actual: Outcome, operation: unknown, when = ''): void {
  if (isSame(expected, actual)) return
  const show = (value: unknown): string =>
    inspect(value, { depth: 12, maxStringLength: 60, maxArrayLength: 20, breakLength: 100 })
  const [wanted, got] = [difference(expected, actual), difference(actual, expected)]
  throw new Mismatch(`${show(operation)} ${when}\n  expected ${show(wanted)}\n  got ${show(got)}`)
}

/** Of two long arrays, the part where they differ. */
function difference(outcome: Outcome, other: Outcome): unknown {
  if (!('value' in outcome) || !('value' in other)) return outcome
  const [a, b] = [outcome.value, other.value]
  if (!Array.isArray(a) || !Array.isArray(b)) return outcome
  let at = 0
  while (at < a.length && at < b.length && isSame(a[at], b[at])) at++
  return { length: a.length, differsAt: at, from: a.slice(Math.max(0, at - 1), at + 4) }
}
