/**
 * What several users of one database saw, and whether that can be: all transactions and reads must
 * fit into one order, in which each reads what those before it have written, and which agrees with
 * real time (strict serializability).
 */

import { isSame } from '../support/same'

/** When something took place, in microseconds of a clock that all processes share. */
export interface Interval {
  start: number
  end: number
}

/** Something with a place in an order; places may be shared by what only reads. */
export interface Placed extends Interval {
  place: number
}

/** A transaction that was acknowledged. */
export interface Acknowledged extends Interval {
  sequence: number
  by: string
}

/** All registers, as one read saw them. */
export interface Seen extends Interval {
  how: string
  sequence: number
  values: [register: string, value: string][]
}

/** What a transaction did, as it stands in the database. */
export interface Recorded {
  sequence: number
  by: string
  reads: [register: string, value: string | null][]
  writes: [register: string, value: string][]
}

/** A number that one user made larger, or that another one read; or a key that was generated. */
export interface Numbered extends Interval {
  register: string
  number: number
  isRead: boolean
}

/** What one user saw. */
export interface Report {
  transactions: Acknowledged[]
  reads: Seen[]
  numbers: Numbered[]
}

class Impossible extends Error {}

/**
 * Nothing that ended before another thing began stands behind it.
 *
 * @throws {Error} naming what is in the wrong order
 */
export function checkRealTime(what: string, events: readonly Placed[]): void {
  const sorted = events.toSorted((a, b) => b.place - a.place)
  /** What ended first of all that has a later place. */
  let first: Placed | undefined
  for (let i = 0; i < sorted.length;) {
    const { place } = sorted[i]!
    const begin = i
    while (i < sorted.length && sorted[i]!.place === place) i++
    const same = sorted.slice(begin, i)
    for (const event of same) {
      if (first === undefined || first.end >= event.start) continue
      throw new Impossible(
        `${what}: ${JSON.stringify(event)} began after ${JSON.stringify(first)} had ended`,
      )
    }
    for (const event of same) if (first === undefined || event.end < first.end) first = event
  }
}

/**
 * Checks all that the users of a database have seen.
 *
 * @param history what stands in the database, in order
 * @throws {Error} naming what cannot be
 */
export function checkHistory(reports: readonly Report[], history: readonly Recorded[]): void {
  const reads = reports.flatMap((report) => report.reads)
  const bySequence = new Map<number, Seen[]>()
  for (const read of reads) {
    bySequence.set(read.sequence, [...(bySequence.get(read.sequence) ?? []), read])
  }
  const registers = new Map<string, string>()
  const compare = (sequence: number): void => {
    for (const { how, values } of bySequence.get(sequence) ?? []) {
      const expected = [...registers].toSorted(byName)
      if (isSame(values.toSorted(byName), expected)) continue
      throw new Impossible(`${how} saw ${JSON.stringify(values)} at ${sequence}, not ${expected}`)
    }
    bySequence.delete(sequence)
  }
  compare(0)
  for (const [i, record] of history.entries()) {
    if (record.sequence !== i + 1) throw new Impossible(`${i + 1} is missing in the history`)
    for (const [register, value] of record.reads) {
      const expected = registers.get(register) ?? null
      if (value === expected) continue
      throw new Impossible(`${JSON.stringify(record)} read ${value}, not ${expected}`)
    }
    for (const [register, value] of record.writes) registers.set(register, value)
    compare(record.sequence)
  }
  for (const [sequence] of bySequence) throw new Impossible(`something was read at ${sequence}`)
  checkAcknowledged(reports, history)
  const transactions = reports.flatMap((report) => report.transactions)
  checkRealTime('transactions and reads', [
    ...transactions.map((each) => ({ ...each, place: 2 * each.sequence })),
    ...reads.map((each) => ({ ...each, place: 2 * each.sequence + 1 })),
  ])
  const numbers = groupBy(
    reports.flatMap((report) => report.numbers),
    ({ register }) => register,
  )
  for (const [register, events] of numbers) {
    const placed = events.map((each) => ({ ...each, place: 2 * each.number + +each.isRead }))
    checkRealTime(register, placed)
  }
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

/** What was acknowledged is there, and nothing else. */
function checkAcknowledged(reports: readonly Report[], history: readonly Recorded[]): void {
  const acknowledged = new Map<number, string>()
  for (const { sequence, by } of reports.flatMap((report) => report.transactions)) {
    const other = acknowledged.get(sequence)
    if (other !== undefined) throw new Impossible(`${other} and ${by} were both number ${sequence}`)
    acknowledged.set(sequence, by)
  }
  for (const { sequence, by } of history) {
    if (acknowledged.get(sequence) === by) acknowledged.delete(sequence)
    else throw new Impossible(`transaction ${sequence} of ${by} was never acknowledged`)
  }
  for (const [sequence, by] of acknowledged) throw new Impossible(`${sequence} of ${by} is lost`)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
