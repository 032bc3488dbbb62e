/** Random updates of what mingo and MongoDB mean alike. */

import type { Random } from '../../support/random'

const NUMBERS = ['a', 'b', 'n.p', 'fresh', 'n.fresh']

const value = (random: Random): unknown =>
  random.pick<() => unknown>([
    () => random.between(-5, 5),
    () => random.pick(['', 'x', 'Z']),
    () => null,
    () => [1, random.below(3)],
    () => ({ p: random.below(3) }),
  ])()

const MODIFIERS: ((random: Random) => [operator: string, path: string, operand: unknown])[] = [
  (random) => ['$set', random.pick(['a', 's', 'n.p', 'deep.er', 'list.0', 'list']), value(random)],
  (random) => ['$unset', random.pick(['a', 's', 'n', 'n.p', 'list.0']), ''],
  (random) => ['$inc', random.pick(NUMBERS), random.between(-3, 3)],
  (random) => ['$mul', random.pick(NUMBERS), random.between(-3, 3)],
  (random) => ['$min', random.pick(['a', 'b']), random.between(-3, 3)],
  (random) => ['$max', random.pick(['a', 'b']), random.between(-3, 3)],
  (random) => ['$rename', random.pick(['a', 's', 'n']), random.pick(['moved', 'away.to'])],
  (random) => ['$push', 'list', random.below(5)],
  (random) => ['$push', 'made', random.below(5)],
  (random) => {
    const modifiers: Record<string, unknown> = {
      $each: random.list(random.below(4), () => random.below(6)),
    }
    if (random.chance(0.4)) modifiers.$position = random.below(3)
    if (random.chance(0.4)) modifiers.$sort = random.pick([1, -1])
    if (random.chance(0.4)) modifiers.$slice = random.pick([0, 1, 2, 3, -1, -2])
    return ['$push', 'list', modifiers]
  },
  (random) => ['$addToSet', 'set', random.below(5)],
  (random) => ['$addToSet', 'set', { $each: random.list(3, () => random.below(5)) }],
  (random) => ['$pop', 'list', random.pick([1, -1])],
  (random) => ['$pull', 'list', random.below(5)],
  (random) => ['$pull', 'list', { [random.pick(['$gt', '$lte', '$ne'])]: random.below(5) }],
  (random) => ['$pullAll', 'list', random.list(2, () => random.below(5))],
  (random) => ['$bit', 'a', { [random.pick(['and', 'or', 'xor'])]: random.below(8) }],
  (random) => ['$inc', 'list.$[]', random.between(-2, 2)],
  (random) => ['$set', 'list.$[x]', random.between(5, 9)],
]

/** An update of one or two operators, which touch different fields. */
export function randomUpdate(random: Random): { update: object; arrayFilters?: object[] } {
  const update: Record<string, Record<string, unknown>> = {}
  const touched = new Set<string>()
  for (let i = random.between(1, 2); i > 0; i--) {
    const [operator, path, operand] = random.pick(MODIFIERS)(random)
    const [field = ''] = path.split('.')
    if (touched.has(field)) continue
    touched.add(field)
    update[operator] = { ...update[operator], [path]: operand }
  }
  if (!JSON.stringify(update).includes('$[x]')) return { update }
  return { update, arrayFilters: [{ x: { $gte: random.below(4) } }] }
}
