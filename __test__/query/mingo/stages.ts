/** Random pipelines of what mingo and MongoDB mean alike, over documents like rows of a table. */

import type { Random } from '../../support/random'

/** A document of numbers, strings and an array, any of which may be missing. */
export function tableDocument(random: Random): Record<string, unknown> {
  const document: Record<string, unknown> = {}
  if (random.chance(0.9)) document.a = random.between(-5, 5)
  if (random.chance(0.9)) document.b = random.between(0, 20) / 4
  if (random.chance(0.9)) document.s = random.pick(['', 'x', 'xy', 'Z'])
  if (random.chance(0.8)) document.list = random.list(random.below(4), () => random.below(5))
  if (random.chance(0.8)) document.n = { p: random.below(4) }
  return document
}

const NUMBERS = ['$a', '$b', '$n.p']

/** An expression that gives a number, or null where a field is missing. */
function numeric(random: Random, depth = 0): unknown {
  if (depth > 2 || random.chance(0.3)) {
    return random.chance(0.5) ? random.pick(NUMBERS) : random.between(-3, 4)
  }
  const inner = () => numeric(random, depth + 1)
  return random.weighted<() => unknown>([
    [3, () => ({ [random.pick(['$add', '$multiply'])]: [inner(), inner()] })],
    [2, () => ({ $subtract: [inner(), inner()] })],
    [1, () => ({ $abs: inner() })],
    [1, () => ({ $floor: inner() })],
    [1, () => ({ $ifNull: [inner(), random.below(3)] })],
    [1, () => ({ $cond: [truth(random, depth + 1), inner(), inner()] })],
    [1, () => ({ $size: { $ifNull: ['$list', []] } })],
    [1, () => ({ [random.pick(['$sum', '$max', '$min', '$avg'])]: list(random, depth) })],
    [1, () => ({ $mod: [inner(), random.between(1, 4)] })],
    [1, () => ({ $divide: [inner(), random.pick([2, 4, 0.5])] })],
    [1, () => ({ $ceil: inner() })],
    [1, () => ({ $trunc: [inner(), 0] })],
    [1, () => ({ $round: [inner(), 0] })],
    [1, () => ({ $arrayElemAt: [list(random, depth), random.between(-3, 3)] })],
    [1, () => ({ $strLenCP: text(random) })],
    [1, () => ({ $cmp: [{ $ifNull: [inner(), 0] }, random.below(3)] })],
    [1, () => ({ $let: { vars: { v: inner() }, in: { $add: ['$$v', 1] } } })],
    [
      1,
      () => ({
        $switch: {
          // oxlint-disable-next-line unicorn/no-thenable -- it is the name of an operand
          branches: [{ case: truth(random, depth + 1), then: inner() }],
          default: random.below(5),
        },
      }),
    ],
  ])()
}

/** An expression that gives an array of numbers. */
function list(random: Random, depth: number): unknown {
  const own = { $ifNull: ['$list', []] }
  if (depth > 1 || random.chance(0.4)) return own
  const inner = () => list(random, depth + 1)
  return random.pick<() => unknown>([
    () => ({ $concatArrays: [inner(), [random.below(5)]] }),
    () => ({ $reverseArray: inner() }),
    () => ({ $slice: [inner(), random.pick([-2, -1, 1, 2])] }),
    () => ({ $filter: { input: inner(), as: 'x', cond: { $gt: ['$$x', random.below(4)] } } }),
    () => ({ $map: { input: inner(), as: 'x', in: { $multiply: ['$$x', 2] } } }),
  ])()
}

/** An expression that is true or false. */
function truth(random: Random, depth: number): unknown {
  const compare = () => ({
    [random.pick(['$gt', '$gte', '$lt', '$lte', '$eq', '$ne'])]: [
      { $ifNull: [random.pick(NUMBERS), 0] },
      random.between(-2, 3),
    ],
  })
  if (depth > 2 || random.chance(0.6)) return compare()
  const both = [truth(random, depth + 1), truth(random, depth + 1)]
  return random.pick<() => unknown>([
    () => ({ $and: both }),
    () => ({ $or: both }),
    () => ({ $not: [truth(random, depth + 1)] }),
  ])()
}

/** An expression that gives a text. */
const text = (random: Random): unknown =>
  random.pick<() => unknown>([
    () => ({ $concat: [{ $ifNull: ['$s', '-'] }, random.pick(['', 'x'])] }),
    () => ({ $toUpper: { $ifNull: ['$s', ''] } }),
    () => ({ $toLower: { $ifNull: ['$s', ''] } }),
    () => ({ $substrCP: [{ $ifNull: ['$s', ''] }, random.below(2), random.below(3)] }),
    () => ({ $trim: { input: { $ifNull: ['$s', ' '] } } }),
    () => ({ $cond: [{ $in: ['$s', ['x', 'xy']] }, 'yes', 'no'] }),
    () => ({ $ifNull: ['$s', 'none'] }),
  ])()

function match(random: Random): object {
  const field = random.pick(['a', 'b', 'n.p'])
  return {
    $match: random.pick<() => object>([
      () => ({ [field]: { [random.pick(['$gt', '$lte', '$ne'])]: random.between(-3, 4) } }),
      () => ({ s: { $in: ['x', 'xy'] } }),
      () => ({ $expr: truth(random, 0) }),
      () => ({ list: random.below(5) }),
    ])(),
  }
}

const KEYS: readonly unknown[] = ['$s', '$n.p', null, { s: '$s', a: '$a' }]

function group(random: Random, keys = KEYS): object {
  const number = () => random.pick(NUMBERS)
  const accumulators: Record<string, object> = {}
  const makes: [string, () => object][] = [
    ['total', () => ({ $sum: number() })],
    ['mean', () => ({ $avg: number() })],
    ['least', () => ({ $min: number() })],
    ['most', () => ({ $max: number() })],
    ['count', () => ({ $sum: 1 })],
    ['made', () => ({ $sum: numeric(random) })],
    ['deviation', () => ({ $stdDevPop: number() })],
    ['several', () => ({ $avg: numeric(random) })],
  ]
  for (const [name, make] of makes) if (random.chance(0.4)) accumulators[name] = make()
  return { $group: { _id: random.pick(keys), ...accumulators } }
}

function bucket(random: Random): object {
  return {
    $bucket: {
      groupBy: { $ifNull: [random.pick(NUMBERS), 0] },
      // Between the values: mingo puts some that equal a boundary below it.
      boundaries: [-2.1, 0.1, 2.1],
      default: 'other',
      output: { count: { $sum: 1 }, total: { $sum: '$a' } },
    },
  }
}

/** Rows in an order that is said. */
function facet(random: Random): object {
  const few = [{ $match: { a: { $gt: 2 } } }, { $sort: { _id: 1, list: 1 } }, { $limit: 2 }]
  return { $facet: { few, all: [group(random, [null])] } }
}

/** A pipeline: rows are filtered, computed and sorted, then perhaps counted or grouped. */
export function randomPipeline(random: Random): object[] {
  const stages: object[] = []
  for (let i = random.below(4); i > 0; i--) {
    stages.push(
      random.weighted<() => object>([
        [3, () => match(random)],
        [2, () => ({ $set: { made: numeric(random), text: text(random) } })],
        // Not within objects: what mingo unwinds shares them.
        [1, () => ({ $unset: random.pick(['s', 'n', 'b']) })],
        [2, () => ({ $unwind: '$list' })],
        [1, () => ({ $unwind: { path: '$list', preserveNullAndEmptyArrays: true } })],
      ])(),
    )
  }
  if (random.chance(0.5)) {
    stages.push({
      $sort: { [random.pick(['a', 'b', 'n.p'])]: random.pick([1, -1]), _id: 1, list: 1 },
    })
    if (random.chance(0.5)) stages.push({ $skip: random.below(5) })
    if (random.chance(0.5)) stages.push({ $limit: random.between(1, 20) })
  }
  const last = random.weighted<() => object | undefined>([
    [3, () => undefined],
    [4, () => group(random)],
    [1, () => ({ $count: 'rows' })],
    [1, () => bucket(random)],
    [1, () => facet(random)],
    [1, () => ({ $sortByCount: '$s' })],
    [2, () => ({ $project: { a: 1, made: numeric(random), 'n.p': 1 } })],
    [1, () => ({ $project: { s: 0, list: 0 } })],
  ])()
  if (last !== undefined) stages.push(last)
  return stages
}
