/** Whether a series of measurements grows, whatever the noise. */

/** What a series does. */
export interface Trend {
  /** How much it grows over its length, by the median slope of all pairs (Theil and Sen). */
  growth: number
  /** How many of the pairs grow, from 0 to 1 (half of them, if there is only noise). */
  rising: number
}

/** The trend of equidistant measurements; at least two. */
export function trend(values: readonly number[]): Trend {
  const slopes: number[] = []
  let rising = 0
  for (const [i, early] of values.entries()) {
    for (const [j, late] of values.entries()) {
      if (j <= i) continue
      slopes.push((late - early) / (j - i))
      if (late > early) rising += 1
    }
  }
  slopes.sort((a, b) => a - b)
  const median = slopes[slopes.length >> 1]!
  return { growth: median * (values.length - 1), rising: rising / slopes.length }
}
