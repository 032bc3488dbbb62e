/** What drills go by that kill processes. */

/** Their options. */
export interface KillOptions {
  seed: number
  rounds: number
  /** The library with fault points; without it, processes die at random moments only. */
  library: string | undefined
  onRound?: (round: number) => void
}

/** How often something happened. */
export type Counts = Record<string, number>

export function count(counts: Counts, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1
}
