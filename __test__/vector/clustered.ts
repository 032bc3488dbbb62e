// Vectors that lie in clusters.

import type { VectorMetric } from '../../index.js'
import type { Random } from '../support/random'
import type { Vector } from './brute-force'

/** How vectors are spread. */
interface Spread {
  dimensions: number
  clusters: number
  metric?: VectorMetric
}

/** Makes vectors that lie in clusters. */
export function clustered(
  random: Random,
  { dimensions, clusters, metric = 'cosine' }: Spread,
): () => Vector {
  const component = () => random.next() - 0.5
  const centers = random.list(clusters, () => random.list(dimensions, component))
  return () => {
    const center = random.pick(centers)
    if (metric !== 'hamming') return Float32Array.from(center, (c) => c + component() / 2)
    const bits = new Uint8Array(dimensions / 8)
    for (const [i, c] of center.entries()) {
      if (c + component() / 2 > 0) bits[i >> 3]! |= 1 << (i & 7)
    }
    return bits
  }
}
