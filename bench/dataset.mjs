/** The documents of the benchmark: document i is a pure function of i. */

/** How many cities there are; documents are spread over them evenly. */
export const CITIES = 1000
/** Scores are unique below this many documents. */
const SCORE_MODULUS = 1_000_003
/** An age is shared by one document in a hundred. */
const AGES = 100

const FIRST = [
  'Ada',
  'Björn',
  'Chidi',
  'Daniela',
  'Emil',
  'Fatima',
  'Grete',
  'Hiro',
  'Inés',
  'José',
]
const LAST = ['Abe', 'Becker', 'Costa', 'Dupont', 'Eriksson', 'Fischer', 'García', 'Hoffmann']
const STREETS = ['Bridge Street', 'Castle Road', 'Elm Avenue', 'Garden Lane', 'Harbour Walk']
const COUNTRIES = ['Argentina', 'Denmark', 'France', 'Germany', 'Japan', 'Kenya', 'Portugal']
const TAGS = ['amber', 'birch', 'coral', 'dune', 'ember', 'fjord', 'grove', 'heath', 'isle', 'jade']
const START = Date.UTC(2020, 0, 1)

/** A well-mixed unsigned 32-bit function of an integer (the finaliser of MurmurHash3). */
function mix(i) {
  let h = Math.imul(i ^ (i >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export const cityOf = (i) => `City ${String((i * 7919) % CITIES).padStart(3, '0')}`
export const scoreOf = (i) => (i * 48_271) % SCORE_MODULUS
export const ageOf = (i) => mix(i + 17) % AGES

/** Document i: 12 fields, about 350 bytes of JSON. */
export function documentAt(i) {
  const h = mix(i)
  const g = mix(i + 0x5bd1e995)
  const first = FIRST[h % FIRST.length]
  const last = LAST[(h >>> 8) % LAST.length]
  return {
    id: i,
    name: `${first} ${LAST[(g >>> 11) % LAST.length]} ${last}`,
    email: `user.${i}.${g.toString(36)}@mail.example.org`,
    city: cityOf(i),
    age: ageOf(i),
    score: scoreOf(i),
    balance: (g % 1_000_000) / 100 + 0.25,
    rating: (h % 4096) / 819.2,
    active: (g & 4) !== 0,
    address: {
      street: `${1 + (h % 250)} ${STREETS[g % STREETS.length]}, Apartment ${1 + (g % 40)}`,
      zip: String(10_000 + (g % 90_000)),
      country: COUNTRIES[(g >>> 7) % COUNTRIES.length],
    },
    tags: [TAGS[h % 10], TAGS[(h >>> 4) % 10], TAGS[(g >>> 4) % 10]],
    created: new Date(START + (g % 150_000_000) * 1000).toISOString(),
  }
}

/** A reproducible source of numbers: the same seed gives the same sequence (mulberry32). */
export class Random {
  #state

  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** A number from 0 to 1 (exclusive). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `bound` (exclusive). */
  below(bound) {
    return Math.floor(this.next() * bound)
  }
}

/** What queries over the first `count` documents must answer. */
export class Expected {
  /** @param {number} count */
  constructor(count) {
    this.count = count
    this.byScore = Array.from({ length: count }, (_, i) => i).sort(
      (a, b) => scoreOf(a) - scoreOf(b) || a - b,
    )
  }

  /** The ids of the documents of a city, in order. */
  idsOfCity(city) {
    this.cities ??= groupBy(this.byScore, cityOf)
    return (this.cities.get(city) ?? []).toSorted((a, b) => a - b)
  }

  /** The ids of the first `limit` documents in order of their score, from `least` on. */
  idsFromScore(least, limit) {
    let low = 0
    let high = this.byScore.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (scoreOf(this.byScore[middle]) < least) low = middle + 1
      else high = middle
    }
    return this.byScore.slice(low, low + limit)
  }

  /** The ids of the documents of an age, in order. */
  idsOfAge(age) {
    const ids = []
    for (let i = 0; i < this.count; i++) if (ageOf(i) === age) ids.push(i)
    return ids
  }
}

function groupBy(items, keyOf) {
  const groups = new Map()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
