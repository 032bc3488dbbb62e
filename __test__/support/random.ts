/** Random choices for tests; a run is replayed with the environment variable LODESTORE_SEED. */

/** The seed of this run. */
export const seed = Number(process.env.LODESTORE_SEED ?? Math.floor(Math.random() * 2 ** 32))

/** A source of random choices: mulberry32. */
export class Random {
  private state: number

  constructor(from: number) {
    this.state = from >>> 0
  }

  /** A number in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of several values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** One of several values, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0)
    let at = this.next() * total
    for (const [weight, value] of choices) {
      at -= weight
      if (at < 0) return value
    }
    return choices[choices.length - 1]![1]
  }

  /** An array of `length` values. */
  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make)
  }
}
