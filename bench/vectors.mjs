/** The vectors of the benchmark, and what searches among them must find. */

import { Random } from './dataset.mjs'

/** Components of a vector. */
export const DIMENSIONS = 384
/** As many vectors are in a cluster. */
const IN_CLUSTER = 100

/**
 * A source of vectors around centres, or of evenly spread ones; components lie within ±0.75.
 *
 * @param {{ count: number, dimensions: number, isUniform?: boolean, random: Random }} options
 *   `count` of vectors, which says how many centres there are
 * @returns {() => Float32Array}
 */
export function vectorSource({ count, dimensions, isUniform = false, random }) {
  const component = () => random.next() - 0.5
  const centers = Array.from({ length: Math.max(1, Math.ceil(count / IN_CLUSTER)) }, () =>
    Float32Array.from({ length: dimensions }, isUniform ? () => 0 : component),
  )
  return () => {
    const center = centers[Math.floor(random.next() * centers.length)]
    return center.map((each) => each + component() / 2)
  }
}

function product(one, other) {
  let sum = 0
  for (let i = 0; i < one.length; i++) sum += one[i] * other[i]
  return sum
}

/** Vectors with ids from 0, each with a share from 0 to 999 that filters look at, and queries. */
export class VectorSet {
  /** For each query how like it each vector is, by the cosine. */
  #similarities

  /** @param {{ count: number, queries: number, k: number }} options */
  constructor({ count, queries, k }) {
    const dimensions = DIMENSIONS
    const random = new Random(count)
    const next = vectorSource({ count, dimensions, random })
    this.k = k
    this.shares = Uint16Array.from({ length: count }, () => random.below(1000))
    this.components = new Float32Array(count * dimensions)
    this.vectors = []
    for (let id = 0; id < count; id++) {
      const at = id * dimensions
      this.components.set(next(), at)
      this.vectors.push(this.components.subarray(at, at + dimensions))
    }
    this.queries = Array.from({ length: queries }, next)
    this.#similarities = this.queries.map((query) => this.#compare(query))
  }

  #compare(query) {
    return Float64Array.from(this.vectors, (vector) => {
      return product(vector, query) / Math.sqrt(product(vector, vector))
    })
  }

  /** The ids of the `k` nearest of shares below `below`, for each query. */
  expected(below) {
    const passing = [...this.shares.keys()].filter((id) => this.shares[id] < below)
    return this.#similarities.map((similarity) => {
      return new Set(passing.toSorted((a, b) => similarity[b] - similarity[a]).slice(0, this.k))
    })
  }

  /** Documents from `from` on, each with a vector of its own. */
  documents(from, to) {
    return this.vectors.slice(from, to).map((vector, i) => {
      return { id: from + i, share: this.shares[from + i], vector: vector.slice() }
    })
  }

  /** Lets go of the vectors, of which the database has its own. */
  release() {
    this.vectors = []
    this.components = undefined
  }
}
