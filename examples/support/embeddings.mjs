/**
 * Embeddings of texts without a model: what a text consists of is hashed into a long, sparse
 * vector, and that is projected onto a short one. Texts that share words, or parts of words, get
 * vectors that point in similar directions. A model also knows that other words mean the same; all
 * the rest of a search is as it is with one.
 */

const DIMENSIONS = 384
/** Numbers that each feature adds to: the columns of a sparse projection. */
const PLACES = 8

/** The words of a text, with those of names such as `gridTemplateColumns` and `grid-template`. */
export function wordsOf(text) {
  const apart = text.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
  return apart.match(/[a-z0-9]+/g) ?? []
}

/** What a text consists of: its words, and runs of three characters of each, with weights. */
function* featuresOf(text) {
  for (const word of wordsOf(text)) {
    yield [word, 1]
    const padded = `^${word}$`
    for (let at = 0; at + 3 <= padded.length; at++) yield [padded.slice(at, at + 3), 0.6]
  }
}

/** FNV-1a. */
function hashOf(text) {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash
}

/** Random bits of a number: the last step of MurmurHash3. */
function mixed(number) {
  let bits = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** Counts in how many texts a feature occurs, so that rare ones can weigh more. */
export class Embedder {
  #occurs = new Map()
  #texts = 0

  /** @param {Iterable<string>} texts what is usual */
  constructor(texts) {
    for (const text of texts) {
      this.#texts++
      const features = new Set([...featuresOf(text)].map(([feature]) => feature))
      for (const feature of features) {
        this.#occurs.set(feature, (this.#occurs.get(feature) ?? 0) + 1)
      }
    }
  }

  get dimensions() {
    return DIMENSIONS
  }

  /** The vector of a text, of length 1; undefined if there is nothing in it. */
  embed(text) {
    const vector = new Float32Array(DIMENSIONS)
    for (const [feature, weight] of featuresOf(text)) {
      const count = this.#occurs.get(feature)
      // What no text has, none can be found by.
      if (count === undefined) continue
      const value = weight * Math.log(1 + this.#texts / count)
      const hash = hashOf(feature)
      // A projection whose columns are random: the hash says which places, and their signs.
      for (let place = 0; place < PLACES; place++) {
        const random = mixed(hash + Math.imul(place, 0x9e3779b9))
        vector[random % DIMENSIONS] += random & 0x40000000 ? value : -value
      }
    }
    const length = Math.hypot(...vector)
    return length > 0 ? vector.map((component) => component / length) : undefined
  }
}
