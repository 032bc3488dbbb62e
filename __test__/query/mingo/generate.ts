/** Random documents and filters of the language that MongoDB and we share. */

import type { Random } from '../../support/random'

export const FIELDS = ['a', 'b', 'c'] as const

const PATHS = [
  'a',
  'b',
  'c',
  'n.x',
  'n.y',
  'n.x.z',
  'items.p',
  'items.q',
  'items',
  'a.0',
  'items.0.p',
]

const STRINGS = ['', 'a', 'ab', 'b', 'B', 'abc']
const DATES = [0, 5, 86_400_000].map((time) => new Date(time))

function scalar(random: Random): unknown {
  return random.weighted<() => unknown>([
    [6, () => random.between(-3, 6)],
    [1, () => random.pick([0.5, 2.5, -1.5])],
    [4, () => random.pick(STRINGS)],
    [2, () => null],
    [1, () => random.chance(0.5)],
    [1, () => new Date(random.pick(DATES))],
  ])()
}

function value(random: Random, depth = 0): unknown {
  if (depth > 2) return scalar(random)
  return random.weighted<() => unknown>([
    [8, () => scalar(random)],
    [3, () => random.list(random.below(4), () => value(random, depth + 1))],
    [1, () => fields(random, ['x', 'y', 'z'], depth + 1)],
  ])()
}

function fields(random: Random, names: readonly string[], depth: number): object {
  const object: Record<string, unknown> = {}
  for (const name of names) if (random.chance(0.6)) object[name] = value(random, depth)
  return object
}

/** A document without its id. */
export function randomDocument(random: Random): Record<string, unknown> {
  const document: Record<string, unknown> = fields(random, FIELDS, 0) as any
  if (random.chance(0.7)) document.n = fields(random, ['x', 'y'], 1)
  if (random.chance(0.7)) {
    const item = () => (random.chance(0.9) ? fields(random, ['p', 'q'], 2) : scalar(random))
    document.items = random.list(random.below(4), item)
  }
  return document
}

const COMPARISONS = ['$gt', '$gte', '$lt', '$lte'] as const
const TYPES = ['number', 'string', 'object', 'array', 'bool', 'date', 'null']
const PATTERNS = ['^a', 'b$', 'A', '^$', '[bc]', 'a.c']

/** An operator that takes no other ones. */
function simple(random: Random): Record<string, unknown> {
  return random.weighted<() => Record<string, unknown>>([
    [3, () => ({ $eq: value(random, 1) })],
    [2, () => ({ $ne: value(random, 1) })],
    [4, () => ({ [random.pick(COMPARISONS)]: value(random, 2) })],
    [3, () => ({ $in: random.list(random.below(4), () => value(random, 2)) })],
    [2, () => ({ $nin: random.list(random.below(4), () => value(random, 2)) })],
    [1, () => ({ $exists: random.chance(0.5) })],
    [1, () => ({ $type: random.pick(TYPES) })],
    [1, () => ({ $size: random.below(4) })],
    [1, () => ({ $all: random.list(random.below(3), () => value(random, 2)) })],
    [1, () => ({ $mod: [random.between(1, 4), random.below(3)] })],
    [1, () => ({ $regex: random.pick(PATTERNS), $options: random.pick(['', 'i']) })],
    [
      1,
      () => ({ [random.pick(['$bitsAllSet', '$bitsAnySet', '$bitsAllClear'])]: random.below(8) }),
    ],
  ])()
}

/** The operators of one field. */
function operators(random: Random, depth: number): Record<string, unknown> {
  const all = random.chance(0.3) ? { ...simple(random), ...simple(random) } : simple(random)
  if (depth > 1) return all
  if (random.chance(0.15)) return { $not: operators(random, depth + 1) }
  if (random.chance(0.2)) return { $elemMatch: element(random, depth + 1) }
  return all
}

/** What an element has to be. */
function element(random: Random, depth: number): Record<string, unknown> {
  if (random.chance(0.5)) return operators(random, depth)
  return { [random.pick(['p', 'q'])]: condition(random, depth) }
}

function condition(random: Random, depth: number): unknown {
  return random.chance(0.3) ? value(random, 1) : operators(random, depth)
}

/** A filter. */
export function randomFilter(random: Random, depth = 0): Record<string, unknown> {
  const filter: Record<string, unknown> = {}
  const count = random.weighted([
    [6, 1],
    [2, 2],
    [1, 3],
  ])
  for (let i = 0; i < count; i++) {
    if (depth < 2 && random.chance(0.2)) {
      const filters = random.list(random.between(1, 3), () => randomFilter(random, depth + 1))
      filter[random.pick(['$and', '$or', '$nor'])] = filters
    } else {
      filter[random.pick(PATHS)] = condition(random, 0)
    }
  }
  return filter
}

/** A sort of one field or two. */
export function randomSort(random: Random): Record<string, 1 | -1> {
  const sort: Record<string, 1 | -1> = {}
  for (let i = random.between(1, 2); i > 0; i--) {
    sort[random.pick(['a', 'b', 'n.x', 'items.p'])] = random.pick([1, -1])
  }
  return sort
}

/** A document whose fields hold numbers, null or nothing. */
export function sortableDocument(random: Random): Record<string, unknown> {
  const number = () => (random.chance(0.2) ? null : random.between(-3, 3))
  const document: Record<string, unknown> = {}
  for (const name of ['a', 'b']) if (random.chance(0.8)) document[name] = number()
  if (random.chance(0.8)) document.n = random.chance(0.8) ? { x: number() } : {}
  if (random.chance(0.8)) document.items = { p: number() }
  return document
}
